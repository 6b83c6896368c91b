"""Does bf16 learn what fp32 learns, and which of the two is faster on this machine?"""
