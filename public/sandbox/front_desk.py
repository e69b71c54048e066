"""The sandbox's own pages: what it plays, its test cards, and faults on demand."""

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from models.billing.sandbox_cards import SANDBOX_CARDS
from public.sandbox.faults import PLACES, Fault, What
from public.sandbox.state import here

front_desk = Blueprint("front_desk", __name__)


@front_desk.get("/")
def index() -> ResponseReturnValue:
    return render_template("sandbox/index.html", cards=SANDBOX_CARDS)


@front_desk.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"status": "ok"}


@front_desk.get("/calls")
def calls() -> ResponseReturnValue:
    """How often each kind of call was made since the start, faulty ones included."""
    return jsonify(here().calls)


@front_desk.get("/faults")
def list_faults() -> ResponseReturnValue:
    return {"waiting": here().faults.waiting(), "places": PLACES, "what": [w.value for w in What]}


@front_desk.post("/faults")
def add_fault() -> ResponseReturnValue:
    """Order a fault: ``on`` a place, ``what``, ``times`` (1), ``seconds`` of a delay (0)."""
    order = request.get_json(silent=True) or {}
    if order.get("on") not in PLACES or str(order.get("what")) not in set(What):
        return {"error": f"on: one of {PLACES}; what: one of {[w.value for w in What]}"}, 422
    fault = Fault(What(str(order["what"])), float(order.get("seconds", 0)))
    here().faults.add(order["on"], fault, int(order.get("times", 1)))
    return {"waiting": here().faults.waiting()}


@front_desk.delete("/faults")
def clear_faults() -> ResponseReturnValue:
    here().faults.clear()
    return "", 204
