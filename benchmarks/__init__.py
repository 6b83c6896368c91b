"""One folder a question: `python -m benchmarks.NAME [--json]`. Not installed with the product."""
