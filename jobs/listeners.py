"""Who listens to what: for each kind of event, the functions that bring about what follows.

A listener gets the session of the dispatch and the event, in a savepoint of its own, and
is called once for each event. It writes rows (a mail to send, a webhook to deliver) and
calls nobody outside. Every kind emitted anywhere is listed, be it with nobody.
"""

from models.oversight.dispatch import Listeners

LISTENERS: Listeners = {
    "oversight.job_asked": (),
    "oversight.job_failed": (),
}
