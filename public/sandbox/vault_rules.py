"""Plays PCI Vault's rules, as far as we use them: replacing a text in a field of the card."""

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from public.sandbox.state import here
from public.sandbox.vault import refusal, signed_in

vault_rules = Blueprint("vault_rules", __name__)


@vault_rules.post("/rule/")
@signed_in
def make_rule() -> ResponseReturnValue:
    """Keep a rule under its id, new or changed, until the sandbox stops."""
    body = request.get_json(silent=True) or {}
    operations = body.get("operations") or []
    if not operations or not all(_is_played(each) for each in operations):
        return refusal(400, "The sandbox plays rules of whole replace operations only")
    here().rules[request.args.get("id", "")] = operations
    return jsonify(message="created")


@vault_rules.delete("/rule/")
@signed_in
def delete_rule() -> ResponseReturnValue:
    if here().rules.pop(request.args.get("id", ""), None) is None:
        return refusal(404, "No such rule")
    return jsonify(message="deleted")


def _is_played(operation: dict[str, Any]) -> bool:
    return (
        operation.get("name") == "replace"
        and {"input_field", "output_field", "order_position"} <= operation.keys()
        and {"substr", "new_str"} <= operation.get("arguments", {}).keys()
    )
