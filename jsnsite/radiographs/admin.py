"""Radiographs, uploads and annotations, to be looked at."""

from django.contrib import admin

from jsnsite.admin import ReadOnlyAdmin
from jsnsite.radiographs.models import BoneOutline, FilmCorrection, JointAnnotation, Radiograph, UploadRecord


@admin.register(Radiograph)
class RadiographAdmin(ReadOnlyAdmin):
    list_display = (
        "uuid",
        "timepoint",
        "laterality",
        "state",
        "failure_code",
        "pixel_spacing_mm",
        "current",
        "created",
    )
    list_filter = ("state", "current", "laterality", "spacing_source", "study")
    search_fields = ("uuid", "timepoint__patient__code")
    exclude = ("file", "preview")


@admin.register(UploadRecord)
class UploadRecordAdmin(ReadOnlyAdmin):
    """Without file names: those are the uploader's alone."""

    list_display = ("uuid", "timepoint", "verdict", "code", "uploaded_by", "created")
    list_filter = ("verdict", "code")
    exclude = ("file_name",)


@admin.register(JointAnnotation)
class JointAnnotationAdmin(ReadOnlyAdmin):
    list_display = ("radiograph", "joint", "version", "source", "confidence", "created_by", "created_at")
    list_filter = ("joint", "source")


@admin.register(BoneOutline)
class BoneOutlineAdmin(ReadOnlyAdmin):
    list_display = ("radiograph", "joint", "bone", "version", "created_by", "created_at")
    list_filter = ("joint", "bone")


@admin.register(FilmCorrection)
class FilmCorrectionAdmin(ReadOnlyAdmin):
    list_display = ("radiograph", "kind", "before", "after", "created_by", "created_at")
    list_filter = ("kind",)
