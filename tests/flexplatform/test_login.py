import pytest
from django.test import Client
from django.urls import reverse

from flexplatform.accounts.models import User
from tests.conftest import People
from tests.factories import PASSWORD


def sign_in(client: Client, email: str, password: str) -> int:
    return client.post(reverse("login"), {"username": email, "password": password}).status_code


def test_a_member_of_one_organization_lands_on_its_overview(people: People) -> None:
    client = Client()
    response = client.post(reverse("login"), {"username": "Alice@Example.com", "password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1][0] == "/o/a/"
    assert response.status_code == 200


def test_a_wrong_password_says_so(people: People) -> None:
    response = Client().post(reverse("login"), {"username": "alice@example.com", "password": "wrong"})
    assert response.status_code == 200
    assert b"Please enter a correct" in response.content


def test_too_many_wrong_passwords_lock_the_user_out_in_any_letter_case(people: People) -> None:
    client = Client()
    for number in range(10):
        sign_in(client, "alice@example.com" if number % 2 else "ALICE@example.com", "wrong")
    assert sign_in(client, "alice@example.com", PASSWORD) == 429


def test_someone_without_organization_is_told_so(people: People) -> None:
    assert b"No organization yet" in people.client("dave").get("/").content


def test_nobody_gets_past_the_login(people: People) -> None:
    response = Client().get("/o/a/")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/o/a/"


@pytest.mark.django_db
def test_addresses_differ_by_more_than_letter_case() -> None:
    User.objects.create_user("Someone@Example.com", PASSWORD)
    assert User.objects.get_by_natural_key("SOMEONE@example.com").email == "someone@example.com"


@pytest.mark.django_db
def test_pages_allow_no_inline_script() -> None:
    response = Client().get(reverse("login"))
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert b"<script>" not in response.content
    assert b"style=" not in response.content
