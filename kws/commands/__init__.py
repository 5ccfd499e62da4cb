"""The subcommands, one module for each group of them; results on standard output, else standard error."""
