"""The synthetic demo archive: landscapes made from a seed, written once as COGs behind a static STAC catalogue."""
