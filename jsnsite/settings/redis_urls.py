"""One address for Redis, in the two spellings its clients want for a unix socket."""


def broker_url(redis_url: str) -> str:
    """What kombu takes: ``redis+socket:///path`` where redis-py says ``unix:///path``."""
    return (
        redis_url.replace("unix://", "redis+socket://", 1) if redis_url.startswith("unix://") else redis_url
    )


def cache_url(redis_url: str) -> str:
    """What redis-py takes: the inverse of ``broker_url``."""
    if redis_url.startswith("redis+socket://"):
        return redis_url.replace("redis+socket://", "unix://", 1)
    return redis_url
