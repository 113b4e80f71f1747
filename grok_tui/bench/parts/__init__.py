"""What the benchmark shows, a file a part: run(bench) yields what it measured."""
