"""German; dates of form fields stay ISO, as browsers' own date fields take nothing else."""

DATE_FORMAT = "l, j. F Y"
DATETIME_FORMAT = "d.m.Y H:i:s"
SHORT_DATE_FORMAT = "d.m.Y"
SHORT_DATETIME_FORMAT = "d.m.Y H:i"
TIME_FORMAT = "H:i"
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d.%m.%Y"]
