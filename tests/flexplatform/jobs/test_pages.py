import pytest
from django.test import Client
from django.urls import reverse

from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims
from flexplatform.jobs.models import Job
from tests.conftest import People
from tests.flexplatform.jobs.conftest import Register, enqueue, reload

pytestmark = pytest.mark.usefixtures("acts")

LIST_QUERIES = 5


@pytest.fixture(autouse=True)
def _known_kind(does: Register) -> None:
    """Make the kind of these tests known to the registry."""


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_no_more_for_more_jobs(people: People, count: int, django_assert_num_queries: object) -> None:
    for number in range(count):
        enqueue(people.a, title=f"Job number {number}", requested_by=people.alice)
    client = people.client("bob")
    with django_assert_num_queries(LIST_QUERIES):  # type: ignore[operator]
        page = client.get(reverse("jobs", args=["a"]))
    assert page.content.decode().count("Job number") == count
    assert 'hx-trigger="every 5s"' in page.content.decode()


def test_no_jobs_say_what_will_be_here(people: People) -> None:
    page = people.client("alice").get(reverse("jobs", args=["a"]))
    assert b"No jobs yet" in page.content
    assert b"hx-trigger" not in page.content


def test_the_navigation_leads_to_the_jobs(people: People) -> None:
    assert reverse("jobs", args=["a"]).encode() in people.client("bob").get("/o/a/").content


def test_pages_of_the_list(people: People) -> None:
    for number in range(51):
        enqueue(people.a, title=f"Job number {number}")
    client = people.client("alice")
    assert b"Page 1 of 2" in client.get(reverse("jobs", args=["a"])).content
    assert client.get(reverse("jobs", args=["a"]), {"page": "3"}).status_code == 404
    assert client.get(reverse("jobs", args=["a"]), {"page": "x"}).status_code == 404


def test_a_running_job_shows_how_far_it_is_and_loads_again(people: People) -> None:
    job = claims.claim(enqueue(people.a).pk, "w")
    assert job is not None
    with organization_scope(people.a):
        claims.beat(job, progress=0.42, progress_text="Solving, gap 3 %")
    page = people.client("bob").get(reverse("job", args=["a", job.pk]))
    assert "Running, 42 %" in page.content.decode()
    assert "Solving, gap 3 %" in page.content.decode()
    assert b"Cancel</button>" not in page.content
    assert 'hx-trigger="every 2s"' in page.content.decode()


def test_htmx_gets_the_part_that_changes_and_nothing_else(people: People) -> None:
    job = enqueue(people.a)
    client = people.client("bob")
    for url in (reverse("job", args=["a", job.pk]), reverse("jobs", args=["a"])):
        part = client.get(url, headers={"HX-Request": "true"})
        assert b"<html" not in part.content
        assert b"hx-trigger" in part.content
        assert "HX-Request" in part["Vary"]


def test_a_part_sends_the_whole_page_to_the_login_when_the_session_has_ended(people: People) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/o/a/jobs/"}
    answer = Client().get(reverse("jobs", args=["a"]), headers=headers)
    assert answer["HX-Redirect"] == "/login/?next=%2Fo%2Fa%2Fjobs%2F"


def test_a_failed_job_says_why(people: People) -> None:
    job = claims.claim(enqueue(people.a).pk, "w")
    assert job is not None
    with organization_scope(people.a):
        claims.end(job, Job.Status.FAILED, error="The site has <no> prices.")
    page = people.client("alice").get(reverse("job", args=["a", job.pk]))
    assert "The site has &lt;no&gt; prices." in page.content.decode()
    assert b"hx-trigger" not in page.content


def test_an_operator_cancels_and_a_viewer_does_not(people: People) -> None:
    job = enqueue(people.a)
    url = reverse("job_cancel", args=["a", job.pk])
    assert people.client("bob").post(url).status_code == 403
    assert people.client("alice").get(url).status_code == 405
    answer = people.client("alice").post(url, follow=True)
    assert b"Cancelled" in answer.content
    assert reload(job).status == Job.Status.CANCELLED
    assert people.client("alice").post(url).status_code == 302


def test_a_running_job_is_asked_to_stop(people: People) -> None:
    job = enqueue(people.a)
    claims.claim(job.pk, "w")
    answer = people.client("alice").post(reverse("job_cancel", args=["a", job.pk]), follow=True)
    assert b"asked to stop" in answer.content
    assert b"Stopping" in answer.content


def test_a_kind_that_the_role_may_not_view_does_not_exist(people: People) -> None:
    job = enqueue(people.a, kind="of an app that is gone")
    assert people.client("alice").get(reverse("job", args=["a", job.pk])).status_code == 404
    assert b"of an app" not in people.client("alice").get(reverse("jobs", args=["a"])).content


def test_the_admin_shows_jobs_and_changes_none(people: People) -> None:
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    job = enqueue(people.a)
    client = people.client("alice")
    assert client.get("/admin/jobs/job/").status_code == 200
    assert client.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200
    assert client.get("/admin/jobs/job/add/").status_code == 403
