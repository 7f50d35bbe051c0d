"""Every failure of the program, named by its cause.

The classes carry no status and no format: each protocol maps causes to its own codes in one table
(``ows.report``, ``openeo.errors``). A ``locator`` names the parameter or the path of the graph node at fault.

::

    OgcServerError
      RequestError              the caller can mend it
        MissingParameter  InvalidParameter  UnsupportedVersion  UnsupportedOperation
        CrsError  CoordinateError  NoTimeInRange
        TileOutOfRange  InvalidSubset  InvalidAxis  InvalidScale  TooLarge
        NotFound: JobNotFound  ServiceNotFound  CollectionNotFound  ProcessNotFound  StoredGraphNotFound
          UserNotFound  FileNotFound
        GraphError: GraphMissing  GraphInvalid  GraphTooLarge  MixedArray
          ProcessUnsupported  ArgumentUnsupported  ArgumentInvalid  ArgumentMissing
          UdfLanguageUnsupported  UdfTypeUnsupported
        UdfError
        FormatUnsupported  FormatOptionUnsupported  FormatOptionInvalid
        ServiceTypeUnsupported  JobStateError  NotOnDemand
        CredentialsMissing  CredentialsInvalid  TokenInvalid  TooManyAttempts
        FileError: QuotaExceeded  FileNotStored  FileTypeNotAllowed  FileTooLarge  FileContentInvalid  FileLocked
      ServiceError              we, or what we read from, must mend it
        SourceUnavailable  UdfUnavailable  Overloaded  DeadlineExceeded  Cancelled
"""

from __future__ import annotations


class OgcServerError(Exception):
    """Base of all failures that the program foresees.

    Args:
        message: says what is wrong and what to change, in words that may be shown to a client.
        locator: the request parameter, or the path of the graph node or argument, that is at fault.
    """

    def __init__(self, message: str, *, locator: str | None = None) -> None:
        super().__init__(message)
        self.locator = locator

    @property
    def message(self) -> str:
        return str(self.args[0])


class RequestError(OgcServerError):
    """The caller can mend it."""


class MissingParameter(RequestError):
    """A required parameter is absent."""


class InvalidParameter(RequestError):
    """A parameter's value cannot be used."""


class UnsupportedVersion(RequestError):
    """None of the protocol versions that the caller accepts is spoken here."""


class UnsupportedOperation(RequestError):
    """The operation, method or path does not exist."""


class CrsError(RequestError):
    """A coordinate reference system is unknown or cannot be used here."""


class CoordinateError(RequestError):
    """Coordinates are not finite, or lie outside the valid area of their CRS."""


class NoTimeInRange(RequestError):
    """There is no observation in the time that was asked for."""


class TileOutOfRange(RequestError):
    """Row or column beyond the tile matrix."""


class InvalidSubset(RequestError):
    """A subset is malformed, upside down, or outside the coverage."""


class InvalidAxis(RequestError):
    """A subset or scale names an axis that the coverage does not have."""


class InvalidScale(RequestError):
    """A scale factor, size or extent is malformed or not positive."""


class TooLarge(RequestError):
    """The request would need more pixels, bytes or time than the operator allows."""


class NotFound(RequestError):
    """The named thing does not exist, or is not visible to this caller."""


class JobNotFound(NotFound):
    """No such job."""


class ServiceNotFound(NotFound):
    """No such web service."""


class CollectionNotFound(NotFound):
    """No such collection."""


class ProcessNotFound(NotFound):
    """No such process description."""


class StoredGraphNotFound(NotFound):
    """No such stored process graph."""


class UserNotFound(NotFound):
    """No such user."""


class FileNotFound(NotFound):
    """No such file."""


class GraphError(RequestError):
    """A process graph cannot be compiled; the locator is the path of the offending node."""


class GraphMissing(GraphError):
    """The request holds no process graph."""


class GraphInvalid(GraphError):
    """The graph's structure is wrong: not JSON, not a tree of nodes, or cyclic through stored graphs."""


class GraphTooLarge(GraphError):
    """The graph exceeds the limits on bytes, nodes or depth."""


class MixedArray(GraphError):
    """An array argument holds values of several types."""


class ProcessUnsupported(GraphError):
    """The process does not exist here."""


class ArgumentUnsupported(GraphError):
    """The process has no such argument."""


class ArgumentInvalid(GraphError):
    """The argument's value is of the wrong type or out of range."""


class ArgumentMissing(GraphError):
    """A required argument is absent."""


class UdfLanguageUnsupported(GraphError):
    """User-defined functions in this language cannot be run here."""


class UdfTypeUnsupported(GraphError):
    """There is no such kind of user-defined function."""


class UdfError(RequestError):
    """A user's script failed, broke a limit, or returned what it must not; the message holds its own traceback."""


class FormatUnsupported(RequestError):
    """The output format does not exist here."""


class FormatOptionUnsupported(RequestError):
    """The output format has no such option."""


class FormatOptionInvalid(RequestError):
    """The option's value cannot be used."""


class ServiceTypeUnsupported(RequestError):
    """No such kind of web service."""


class JobStateError(RequestError):
    """The job's mode or status does not allow the operation."""


class NotOnDemand(JobStateError):
    """The job is not in on-demand mode, so nothing is computed for it."""


class CredentialsMissing(RequestError):
    """The request needs a user, and names none."""


class CredentialsInvalid(RequestError):
    """User or password is wrong."""


class TokenInvalid(CredentialsInvalid):
    """The bearer token is unknown or has expired."""


class TooManyAttempts(RequestError):
    """Too many wrong passwords; try again later."""


class FileError(RequestError):
    """A file of a user cannot be stored or changed."""


class QuotaExceeded(FileError):
    """The user's files would take more room than the operator allows."""


class FileNotStored(FileError):
    """A path that cannot be a file's, or a folder in its way."""


class FileTypeNotAllowed(FileError):
    """The operator does not allow files with such an ending."""


class FileTooLarge(FileError):
    """The file is larger than the operator allows."""


class FileContentInvalid(FileError):
    """The file's content is not what the request says."""


class FileLocked(FileError):
    """A running job reads the file."""


class ServiceError(OgcServerError):
    """We, or something that we read from, must mend it."""


class SourceUnavailable(ServiceError):
    """A catalogue or file cannot be read."""


class UdfUnavailable(ServiceError):
    """No process for a user-defined function could be started."""


class Overloaded(ServiceError):
    """The queue is full; try again later."""


class DeadlineExceeded(ServiceError):
    """The work took longer than the operator allows."""


class Cancelled(ServiceError):
    """The caller hung up, so the work was stopped."""
