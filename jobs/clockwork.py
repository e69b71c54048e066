"""The scheduler's process: it only tells the time, once a second; rows say what is due."""

import logging
import time

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from jobs.queue import join_queue
from jobs.schedule import make_clock, sync_schedule
from models.session import dispose
from models.settings import Settings

SECONDS_BEFORE_ANOTHER_TRY = 1

log = logging.getLogger(__name__)


def tick(settings: Settings) -> None:
    """Queue what falls due until SIGTERM; Redis or a database that is away is waited for."""
    join_queue()
    redis = Redis.from_url(settings.redis_url)
    while True:
        try:
            sync_schedule(redis)
            make_clock(redis).run()
        except (RedisError, OperationalError) as reason:
            log.warning("clock stands still", extra={"reason": str(reason)})
            dispose()
            time.sleep(SECONDS_BEFORE_ANOTHER_TRY)
