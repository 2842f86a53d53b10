"""How a frozen backbone is put to a task, one per file."""
