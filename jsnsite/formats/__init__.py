"""Dates as pages write them, by language (``FORMAT_MODULE_PATH``); numbers as Django has them."""
