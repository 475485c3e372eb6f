"""Artifacts: fitted pipelines that are saved, loaded after a full check, and used to recommend."""
