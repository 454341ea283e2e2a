"""Rigid registration of each bone of a joint: a network proposes, a Gauss-Newton refinement measures."""
