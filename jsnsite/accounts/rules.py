"""The actions of ``jsnsite.scoping`` as permissions: ``user.has_perm("jsn.upload", timepoint)``, ``{%
has_perm %}``.
"""

from typing import Any

import rules

from jsnsite.scoping import Action, allowed


def _may(action: Action) -> Any:
    @rules.predicate(f"may_{action}")
    def predicate(user: Any, obj: Any) -> bool:
        return obj is not None and allowed(user, action, obj)

    return predicate


for _action in Action:
    rules.add_perm(f"jsn.{_action}", _may(_action))
