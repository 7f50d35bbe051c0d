"""TMS 1.0.0 of services, and the dated tile addresses of the job API's text."""
