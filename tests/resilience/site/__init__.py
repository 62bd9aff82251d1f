"""The Django project that the servers run."""
