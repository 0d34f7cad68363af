"""The store: SQL and the only importer of the driver."""
