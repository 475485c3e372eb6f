"""Tuning: search the settings of a model on the validation part, before it is fitted and tested."""
