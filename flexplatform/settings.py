"""The one settings file; what differs between machines comes from the environment (see env.py)."""

from datetime import timedelta

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from flexplatform.env import BASE_DIR, PRODUCTION, VAR_DIR, database, env, origin, secret
from flexplatform.operations import logs

DEBUG = env.bool("DEBUG", default=False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG must not be set in production.")
SECRET_KEY = secret("SECRET_KEY")
API_TOKEN_PEPPER = secret("API_TOKEN_PEPPER")
# What keys of providers are encrypted with, the newest first; older ones stay until `rotate_provider_keys` was run.
PROVIDER_KEY_SECRETS = env.list("PROVIDER_KEY_SECRETS", default=[]) or [SECRET_KEY]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("The environment variable ALLOWED_HOSTS must be set in production.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "flexplatform.admin.FlexAdminConfig",
    # Before Django's own, whose commands about users it extends.
    "flexplatform.accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "axes",
    "csp",
    "leaflet",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "flexplatform",
    "flexplatform.jobs",
    "flexplatform.api",
    "assets",
    "telemetry",
    "forecasting",
    "optimization",
    "flexmarket",
]

MIDDLEWARE = [
    "flexplatform.operations.requests.RequestMiddleware",
    "flexplatform.operations.requests.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "flexplatform.portal.languages.PortalLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "flexplatform.urls"
WSGI_APPLICATION = "flexplatform.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "flexplatform.portal.context.frame",
            ],
        },
    },
]

DATABASES = {"default": database()}
# Shared by all processes, as calls of the API are counted in it: the broker's Redis where there is one.
REDIS_URL = env.str("REDIS_URL", default="") or env.str("CELERY_BROKER_URL", default="")
if REDIS_URL.startswith(("redis://", "rediss://")):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "flexplatform",
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "flexplatform.accounts.throttling.attempted_email"
AXES_LOCKOUT_CALLABLE = "flexplatform.accounts.throttling.locked_out"
AXES_CLIENT_IP_CALLABLE = "flexplatform.accounts.addresses.client_ip"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# Empty: jobs are stored and wait until a worker with a broker comes.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or env.str("REDIS_URL", default="")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Queues are asked in their order, the urgent one first.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "queue_order_strategy": "priority"}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

JOBS_HEARTBEAT_SECONDS = env.float("JOBS_HEARTBEAT_SECONDS", default=5)
JOBS_STALE_SECONDS = env.float("JOBS_STALE_SECONDS", default=30)
JOBS_RESEND_SECONDS = env.float("JOBS_RESEND_SECONDS", default=60)
JOBS_RECONCILE_SECONDS = env.float("JOBS_RECONCILE_SECONDS", default=10)
JOBS_MAX_ATTEMPTS = env.int("JOBS_MAX_ATTEMPTS", default=3)

# Such as mqtts://flexplatform-bridge:password@broker.example.org:8883; empty: devices cannot publish over MQTT.
MQTT_URL = env.str("MQTT_URL", default="")
# Days that single readings and refused messages stay where an organization says nothing else; quarter-hours stay.
TELEMETRY_READING_DAYS = env.int("TELEMETRY_READING_DAYS", default=731)
TELEMETRY_LETTER_DAYS = env.int("TELEMETRY_LETTER_DAYS", default=30)

# Servers of FlexMeasures that may be asked over http and at private addresses, such as fm.local or 10.0.0.5:5000.
FLEXMEASURES_ALLOWED_HOSTS = env.list("FLEXMEASURES_ALLOWED_HOSTS", default=[])

CELERY_BEAT_SCHEDULE = {
    "bring lost jobs back": {"task": "jobs.reconcile", "schedule": JOBS_RECONCILE_SECONDS},
    "forget old answers": {"task": "api.forget_old_answers", "schedule": timedelta(hours=1)},
    "make room for readings": {"task": "telemetry.tend_readings", "schedule": timedelta(hours=1)},
    "tend the market": {"task": "flexmarket.tend_market", "schedule": timedelta(minutes=1)},
    "ask for the weather": {"task": "forecasting.ask_for_weather", "schedule": crontab(hour="1,13", minute="20")},
    "ask for prices": {"task": "forecasting.ask_for_prices", "schedule": crontab(hour="0,11,12,13,17", minute="10")},
    "push to FlexMeasures": {"task": "flexmarket.push_to_flexmeasures", "schedule": crontab(minute="5,20,35,50")},
    # After the weather, and before the nightly plans.
    "ask for forecasts": {"task": "forecasting.ask_for_forecasts", "schedule": crontab(hour="1", minute="40")},
    "ask for scores": {"task": "forecasting.ask_for_scores", "schedule": crontab(hour="3", minute="10")},
    "ask for forecast models": {
        "task": "forecasting.ask_for_models",
        "schedule": crontab(day_of_week="sun", hour="4", minute="30"),
    },
    "look for deviations": {"task": "forecasting.look_for_deviations", "schedule": crontab(minute="4,19,34,49")},
}

# Such as smtp+tls://user:password@mail.example.org:587; in development mails become files.
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25" if PRODUCTION else "filemail://"))
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="FlexPlatform <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "flexplatform" / "locale"]
FORMAT_MODULE_PATH = ["flexplatform.formats"]
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = PRODUCTION
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# Such as https://tile.openstreetmap.org/{z}/{x}/{y}.png; empty: markers on the bundled outline, without any network.
MAP_TILES_URL = env.str("MAP_TILES_URL", default="")
MAP_TILES_ATTRIBUTION = env.str("MAP_TILES_ATTRIBUTION", default="© OpenStreetMap contributors")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *([origin(MAP_TILES_URL)] if MAP_TILES_URL else [])],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
PASSWORD_RESET_TIMEOUT = 60 * 60 * 2
# How many own proxies stand before the server and append to X-Forwarded-For.
PROXY_COUNT = env.int("PROXY_COUNT", default=1 if env.bool("BEHIND_PROXY", default=False) else 0)
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    # Asked from inside, past the proxy.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=60 * 60 * 24 * 365)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if env.bool("BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

API_RATE = env.str("API_RATE", default="600/minute")
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# Of a whole request with its files; each form allows less.
LARGEST_BODY = DATA_UPLOAD_MAX_MEMORY_SIZE + 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "flexplatform.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "flexplatform.api.errors.as_problem",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
    "NUM_PROXIES": PROXY_COUNT,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "FlexPlatform API",
    "DESCRIPTION": "Sites, schedules and flexibility offers of the organization whose token asks.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "flexplatform.jobs.models.Job.Status",
        "RunStatus": "optimization.models.ScheduleRun.Status",
        "ChannelSign": "telemetry.models.Channel.Sign",
        "PositiveMeans": ["consumption", "production"],
        "GridDirection": "flexmarket.models.MarketOffer.Direction",
        "DisputeState": "flexmarket.models.Dispute.State",
        "StatementState": "flexmarket.models.Statement.State",
    },
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOG_FORMAT = env.str("LOG_FORMAT", default=logs.PLAIN)
if LOG_FORMAT not in logs.STYLES:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; allowed: {', '.join(logs.STYLES)}.")
LOGGING = logs.configuration(LOG_FORMAT, env.str("LOG_LEVEL", default="WARNING"))
# What Prometheus shows at /metrics; empty: there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
