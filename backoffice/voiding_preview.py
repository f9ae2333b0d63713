"""What a delete in the console will void, for the admin's confirmation pages.

Django's own `get_deleted_objects` collects for real deletion: it lists log entries and many-to-many rows, which stay,
and lets void rows protect. A ModelAdmin shows the truth with

    def get_deleted_objects(self, objs, request):
        return objects_to_void(objs, request, self.admin_site)
"""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import NestedObjects, quote
from django.db import models, router
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from backoffice.models.voiding import Voider


class VoidPreview(NestedObjects, Voider):
    """Collects what delete() would void, as the tree that the confirmation page shows."""


def objects_to_void(
    objs: Any, request: HttpRequest, admin_site: AdminSite
) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
    """Return what `ModelAdmin.get_deleted_objects` returns: tree, counts, permissions lacking, what protects.

    Queries: those of the delete itself without its updates, and the objects' own `__str__`.
    """
    if not objs:
        return [], {}, set(), []
    first: models.Model = objs[0]
    preview = VoidPreview(using=router.db_for_write(type(first)), origin=objs)
    preview.collect(objs)
    found: dict[type[Any], set[Any]] = preview.model_objs  # type: ignore[assignment]  # the stubs say names
    lacking = {
        str(model._meta.verbose_name)
        for model, rows in found.items()
        if admin_site.is_registered(model)
        and not all(admin_site.get_model_admin(model).has_delete_permission(request, row) for row in rows)
    }
    describe = _describer(admin_site)
    counts = {str(model._meta.verbose_name_plural): len(rows) for model, rows in found.items()}
    return preview.nested(describe), counts, lacking, [describe(row) for row in preview.protected]


def _describer(admin_site: AdminSite) -> Callable[[Any], str]:
    """How a row is named: with a link where the console has a page for it."""

    def describe(row: Any) -> str:
        opts = row._meta
        name = capfirst(str(opts.verbose_name))
        try:
            page = f"{admin_site.name}:{opts.app_label}_{opts.model_name}_change"
            url = reverse(page, None, (quote(row.pk),))
        except NoReverseMatch:
            return f"{name}: {row}"
        return format_html('{}: <a href="{}">{}</a>', name, url, row)

    return describe
