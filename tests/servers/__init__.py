"""The application in real servers, with real clients."""
