"""Keys of providers: written by those who may, encrypted at rest, read by the platform's own requests only."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.models import ProviderKey
from forecasting.providers import WITH_KEY

LONGEST = 200
PURPOSE = "flexplatform provider key, version 1"


class KeyUnreadableError(RuntimeError):
    """A stored key that none of the present secrets can decrypt; it has to be entered anew."""


@transaction.atomic
def set_provider_key(*, organization: Organization, provider: str, key: str) -> ProviderKey:
    """Store an organization's key of a provider in place of the one before.

    Raises:
        ValidationError: by field.
    """
    _check(provider, key := key.strip())
    return store_secret(organization=organization, name=provider, secret=key)


@transaction.atomic
def store_secret(*, organization: Organization, name: str, secret: str) -> ProviderKey:
    """Store a secret of an organization by a name, for a service that is no provider and checks it itself."""
    values = {"ciphertext": _encrypted(secret, organization.pk, name), "changed_at": timezone.now()}
    stored, _ = ProviderKey.objects.update_or_create(organization=organization, provider=name, defaults=values)
    audit.record(organization=organization, action="providerkey.set", instance=stored, after=audit.snapshot(stored))
    return stored


def delete_provider_key(*, organization: Organization, provider: str) -> None:
    """Forget an organization's key of a provider; without one nothing happens."""
    delete_secret(organization=organization, name=provider)


@transaction.atomic
def delete_secret(*, organization: Organization, name: str) -> None:
    """Forget a secret of an organization; without one nothing happens."""
    stored = ProviderKey.objects.select_for_update().filter(organization=organization, provider=name).first()
    if stored is None:
        return
    audit.record(organization=organization, action="providerkey.delete", instance=stored, before=audit.snapshot(stored))
    stored.delete()


def provider_key(organization: Organization, provider: str) -> str:
    """Return an organization's key of a provider, for a request to it; empty where there is none.

    Raises:
        KeyUnreadableError: when the secret that it was encrypted with is gone.
    """
    stored = ProviderKey.objects.filter(organization=organization, provider=provider).first()
    return "" if stored is None else _decrypted(stored)


def rotate_provider_keys() -> int:
    """Encrypt all keys of all organizations with the newest secret, and return how many there are.

    Raises:
        KeyUnreadableError: names the key that no secret can decrypt; then nothing is changed.
    """
    with scopes_disabled(), transaction.atomic():
        stored = list(ProviderKey.objects.select_for_update(of=("self",)).select_related("organization"))
        for each in stored:
            each.ciphertext = _encrypted(_decrypted(each), each.organization_id, each.provider)
        ProviderKey.objects.bulk_update(stored, ["ciphertext"], batch_size=500)
    return len(stored)


def _check(provider: str, key: str) -> None:
    if provider not in WITH_KEY:
        raise ValidationError({"provider": f"provider is {provider!r}; allowed: {', '.join(WITH_KEY)}."})
    # The value itself is not repeated: messages are shown and logged.
    if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise ValidationError(
            {"key": f"The key has {len(key)} characters; allowed: 1 to {LONGEST} visible ASCII characters."}
        )


def _encrypted(key: str, organization: int, provider: str) -> bytes:
    from cryptography.fernet import Fernet

    newest = settings.PROVIDER_KEY_SECRETS[0]
    return Fernet(_derived(newest, organization, provider)).encrypt(key.encode())


def _decrypted(stored: ProviderKey) -> str:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet

    secrets = settings.PROVIDER_KEY_SECRETS
    ways = MultiFernet([Fernet(_derived(each, stored.organization_id, stored.provider)) for each in secrets])
    try:
        return ways.decrypt(bytes(stored.ciphertext)).decode()
    except InvalidToken:
        raise KeyUnreadableError(
            f"The key of {WITH_KEY[stored.provider].label} cannot be decrypted any more. Enter it again."
            if stored.provider in WITH_KEY
            else f"The key of {stored.provider} cannot be decrypted any more."
        ) from None


def _derived(secret: str, organization: int, provider: str) -> bytes:
    """Return the key of one row: what was copied to the row of another organization or provider does not open."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"{PURPOSE}/{organization}/{provider}".encode()
    return urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=info).derive(secret.encode()))


def keys_set(organization: Organization) -> Mapping[str, ProviderKey]:
    """Return which keys an organization has, by provider; not what they are."""
    rows = ProviderKey.objects.filter(organization=organization).defer("ciphertext")
    return {each.provider: each for each in rows}
