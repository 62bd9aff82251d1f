"""What a newcomer does: the README's first page, to the letter, in an environment of its own."""
