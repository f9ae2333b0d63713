"""The rights that a request speaks of: whether one stands, what would change, and giving and taking it.

A right links two of a person, a group and an entity, or is an entity's place in the tree. No names of people are in what is
shown: it is kept for good.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from backoffice import duties
from backoffice.effects import Effect, Seen
from backoffice.grants import entities_of, grant, revoke
from backoffice.models import Entity, GrantRequest, GroupGrant, PersonGrant, User

ONE_S_OWN = "Nobody asks for rights of their own to be given or taken."
NAMED = 4  # entities or groups that are told by name


class GrantRefused(Exception):
    """A rule refuses it: `code` names the rule, the text is a sentence for staff."""

    def __init__(self, text: str, *, code: str) -> None:
        super().__init__(text)
        self.code = code


class StaleGrant(GrantRefused):
    """Something else would happen than what was shown."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="stale_preview")


def would(asked: GrantRequest) -> Seen:
    """Return what it would do now, or what refuses it; nothing is locked or written. At most ten queries."""
    try:
        check(asked)
    except GrantRefused as refusal:
        return Seen.refused(refusal)
    if asked.entity and asked.moves:
        return Seen(effects=tuple(_of_move(asked.entity, asked.parent)))
    return Seen(effects=tuple(_of_person(asked, asked.person) if asked.person else _of_group(asked)))


def check(asked: GrantRequest) -> None:
    """Raise GrantRefused where it cannot be done."""
    person, entity = asked.person, asked.entity
    if is_own(asked, asked.maker):
        raise GrantRefused(ONE_S_OWN, code="one_s_own")
    if asked.give and person and (person.is_void or not person.is_active or not person.is_staff):
        raise GrantRefused(f"{person} does not work here: rights are for active staff.", code="not_staff")
    if asked.give and entity and entity.is_void:
        raise GrantRefused(f"{entity} is void: nobody works on it any more.", code="void_entity")
    if asked.parent and asked.parent.is_void:
        raise GrantRefused(f"{asked.parent} is void: nothing stands below it any more.", code="void_entity")
    if entity and asked.parent_id in Entity.branches([entity.pk] if asked.moves else []):
        raise GrantRefused(f"{asked.parent} is below {entity}, or the same.", code="below_itself")
    if asked.moves and stands(asked):
        raise GrantRefused(f"There is nothing to move: {entity} stands there already.", code="nothing_to_do")
    if stands(asked) == asked.give:
        why = "give: this right stands already" if asked.give else "take: this very right was not given"
        raise GrantRefused(f"There is nothing to {why}.", code="nothing_to_do")
    if asked.give and person and asked.group and (why := duties.of_group(person, asked.group)):
        raise GrantRefused(why, code="two_duties")


def stands(asked: GrantRequest) -> bool:
    """Whether the right was given, itself and not by another one, or the entity stands there. One query."""
    if asked.entity and asked.moves:
        return Entity.objects.filter(pk=asked.entity.pk, parent=asked.parent_id).exists()
    if asked.entity_id is None:
        return User.groups.through.objects.filter(user=asked.person_id, group=asked.group_id).exists()
    if asked.person_id:
        return _grants(PersonGrant).filter(content_object=asked.entity_id, user=asked.person_id).exists()
    return _grants(GroupGrant).filter(content_object=asked.entity_id, group=asked.group_id).exists()


def is_own(asked: GrantRequest, who: User) -> bool:
    """Whether it is about this person's own rights, or those of a group of theirs. Two queries at most, none for most."""
    if asked.person_id:
        return asked.person_id == who.pk
    if asked.group_id:
        return who.groups.filter(pk=asked.group_id).exists()
    mine = set(entities_of(who))  # who works above the new place would work on the entity too
    return asked.parent_id in mine and asked.entity_id not in mine


def carry_out(asked: GrantRequest) -> None:
    """Give, take or move."""
    to = asked.person or asked.group
    if asked.entity and asked.moves:
        Entity.objects.filter(pk=asked.entity.pk).update(parent=asked.parent_id)
    elif asked.entity and to:
        (grant if asked.give else revoke)(to, asked.entity)
    elif asked.person and asked.group:
        (asked.person.groups.add if asked.give else asked.person.groups.remove)(asked.group)


def _of_person(asked: GrantRequest, person: User) -> Iterable[Effect]:
    """Tell of the person's groups or own entities, and of all entities that this comes to."""
    groups = dict(person.groups.values_list("pk", "name"))
    own = dict(_grants(PersonGrant).filter(user=person).values_list("content_object", "content_object__name"))
    groups_then = _changed(groups, asked.group, asked.give) if asked.group else groups
    own_then = _changed(own, asked.entity, asked.give) if asked.entity else own
    if asked.group:
        yield Effect(what="Groups", before=_told(groups), after=_told(groups_then))
    else:
        yield Effect(what="Entities granted to the person", before=_told(own), after=_told(own_then))
    if asked.give and User.objects.filter(pk=person.pk, password_by=asked.maker_id).exists():
        yield Effect(what="Account made, or its address written, by who asks", before="yes", after="yes")
    before, after = _reached(groups, own), _reached(groups_then, own_then)
    yield Effect(what="Entities worked on, with those below", before=before, after=after)


def _of_group(asked: GrantRequest) -> Iterable[Effect]:
    """Tell of the group's entities, and how many people this concerns."""
    held = dict(_grants(GroupGrant).filter(group=asked.group).values_list("content_object", "content_object__name"))
    then = _changed(held, asked.entity, asked.give)
    people = str(User.objects.filter(groups=asked.group).count())
    yield Effect(what="Entities granted to the group", before=_told(held), after=_told(then))
    yield Effect(what="Entities worked on, with those below", before=_reached((), held), after=_reached((), then))
    yield Effect(what="People in the group", before=people, after=people)


def _of_move(entity: Entity, to: Entity | None) -> Iterable[Effect]:
    """Tell of what stands above, whose limits bind it, of who works there, and of how many entities this concerns."""
    above, then = _with_above(entity.parent), _with_above(to)
    moved = str(len(Entity.branches([entity.pk])))
    yield Effect(what="Entities above it, whose limits bind it", before=_path(above), after=_path(then))
    yield Effect(what="Groups that work on it from above", before=_working(above), after=_working(then))
    yield Effect(
        what="People who work on it from above, by grants of their own", before=_alone(above), after=_alone(then)
    )
    yield Effect(what="Entities that move, with those below", before=moved, after=moved)


def _with_above(entity: Entity | None) -> list[Entity]:
    """Return an entity and all above it, the nearest first. One query for each above."""
    found: list[Entity] = []
    while entity is not None and entity not in found:
        found.append(entity)
        entity = entity.parent
    return found


def _path(entities: list[Entity]) -> str:
    return ", ".join(entity.name for entity in entities) or "none"


def _working(entities: list[Entity]) -> str:
    return _told(dict(_grants(GroupGrant).filter(content_object__in=entities).values_list("group", "group__name")))


def _alone(entities: list[Entity]) -> str:
    return str(_grants(PersonGrant).filter(content_object__in=entities).values("user").distinct().count())


def _grants(model: Any) -> QuerySet[Any]:
    """Return those that let somebody work; guardian could hold others."""
    grants: QuerySet[Any] = model.objects.filter(permission__codename=Entity.WORK)
    return grants


def _changed(held: dict[int, str], one: Any, give: bool) -> dict[int, str]:
    """Return what is held once this is given or taken."""
    return held | {one.pk: one.name} if give else {pk: name for pk, name in held.items() if pk != one.pk}


def _told(held: dict[int, str]) -> str:
    """Name what is held, where it is not too much."""
    names = sorted(held.values())
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more or "none"


def _reached(groups: Iterable[int], own: Iterable[int]) -> str:
    """Count the entities that groups and own grants cover. Two queries at most."""
    through_groups = _grants(GroupGrant).filter(group__in=list(groups)).values_list("content_object", flat=True)
    return str(len(Entity.branches(sorted({*own, *through_groups}))))
