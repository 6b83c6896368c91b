"""ACE's reference workload: LightGBM on credit data whose errors must not differ between the sexes."""
