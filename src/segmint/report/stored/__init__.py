"""What a report reads from a folder, checked as it is read, so that the page need not ask what kind an entry is."""
