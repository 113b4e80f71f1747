"""The command line: one module a command. It never imports the screens."""
