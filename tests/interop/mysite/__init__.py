"""A small project with everything of docs/interop.md in it; the page shows parts of its modules."""
