"""The folder of results: what is stored, and how it is read and written."""
