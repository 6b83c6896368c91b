"""AutoDD: one-shot supernet and evolution under hard limits."""
