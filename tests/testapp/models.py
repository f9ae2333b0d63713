"""A small library: a shelf, and around it one model for each rule by which rows depend on each other."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import UserManager
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q

from backoffice.models.base import Manager, Model, QuerySet, Record


class Shelf(Model):
    name = models.CharField(max_length=50, unique=True)
    remarks = GenericRelation("testapp.Remark")

    def __str__(self) -> str:
        return self.name


class BookQuerySet(QuerySet["Book"]):
    def thick(self) -> "BookQuerySet":
        return self.filter(pages__gte=500)


BookManager = Manager.from_queryset(BookQuerySet)


class Tag(Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Book(Model):
    """CASCADE, with a queryset of its own and void-aware related managers."""

    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="books")
    title = models.CharField(max_length=50)
    pages = models.PositiveIntegerField(default=100)
    tags = models.ManyToManyField(Tag, related_name="books")

    objects: ClassVar[BookManager["Book"]] = BookManager()

    def __str__(self) -> str:
        return self.title


class Chapter(Model):
    """Depends on what depends: CASCADE below CASCADE, with SET_NULL to the top besides."""

    book = models.ForeignKey(Book, models.CASCADE, related_name="chapters")
    copied_from = models.ForeignKey(Shelf, models.SET_NULL, null=True, related_name="+")
    title = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.title


class Audiobook(Book):
    """A multi-table child: its mark is in the parent's table."""

    minutes = models.PositiveIntegerField()


class Loan(Model):
    """PROTECT."""

    book = models.ForeignKey(Book, models.PROTECT, related_name="loans")

    def __str__(self) -> str:
        return f"loan of {self.book}"


class Reservation(Model):
    """RESTRICT, and CASCADE from elsewhere: deleting the shelf of its book takes it along."""

    book = models.ForeignKey(Book, models.RESTRICT, related_name="reservations")
    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True, related_name="reservations")

    def __str__(self) -> str:
        return f"reservation of {self.book}"


def first_shelf() -> Shelf:
    """What SET() puts in place of a shelf that goes."""
    return Shelf.objects.get(name="first")


class Poster(Model):
    """SET_NULL, SET_DEFAULT, SET() and DO_NOTHING."""

    wall = models.ForeignKey(Shelf, models.SET_NULL, null=True, related_name="+")
    spare = models.ForeignKey(Shelf, models.SET_DEFAULT, null=True, default=None, related_name="+")
    chosen = models.ForeignKey(Shelf, models.SET(first_shelf), null=True, related_name="+")
    careless = models.ForeignKey(Shelf, models.DO_NOTHING, null=True, related_name="+")

    def __str__(self) -> str:
        return f"poster {self.pk}"


class Node(Model):
    """A tree of itself, with a key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    def __str__(self) -> str:
        return str(self.pk)


class Remark(Model):
    """Points at anything by a generic key."""

    content_type = models.ForeignKey(ContentType, models.PROTECT)
    object_id = models.PositiveBigIntegerField()
    about = GenericForeignKey()

    def __str__(self) -> str:
        return f"remark {self.pk}"


class Sticker(models.Model):
    """A plain model under CASCADE: stays when a shelf is voided."""

    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="stickers")

    def __str__(self) -> str:
        return f"sticker {self.pk}"


class Seal(models.Model):
    """A plain model under PROTECT."""

    shelf = models.ForeignKey(Shelf, models.PROTECT, related_name="seals")

    def __str__(self) -> str:
        return f"seal {self.pk}"


class Entry(Record):
    """A permanent record under CASCADE: refuses."""

    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="entries")

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"entry {self.pk}"


class Card(Model):
    """Unique in three ways; a void card's `desk` may be taken over."""

    number = models.CharField(max_length=20, unique=True)
    row = models.IntegerField(default=0)
    place = models.IntegerField(default=0)
    desk = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["row", "place"], name="testapp_card_row_place"),
            models.UniqueConstraint(
                fields=["desk"],
                condition=Q(is_void=False) & ~Q(desk=""),
                name="testapp_card_desk",
                violation_error_code="unique",
                violation_error_message="Another card is at this desk.",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class MemberManager(Manager["Member"], UserManager["Member"]):
    """Both managers in one, as in backoffice.models.user."""


class Member(Model, AbstractBaseUser):
    username = models.CharField(max_length=50, unique=True)
    email = models.EmailField(blank=True)
    is_staff = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)

    USERNAME_FIELD = "username"

    objects: ClassVar[MemberManager] = MemberManager()

    def __str__(self) -> str:
        return self.username
