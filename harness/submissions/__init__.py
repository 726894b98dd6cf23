"""Submissions: the results of one method in one file that others can check, without a server."""
