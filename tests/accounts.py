"""People who sign up and in over the wire, and what they find in their mailbox."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx

from domain.clock import utc_now
from domain.ids import new_id
from domain.tokens import new_token, token_hash
from local.client import Client
from models import SignUp, User
from resolvers.passwords import hash_password
from tests.factories import PASSWORD
from tests.mails import all_mails_to
from tests.studio import Studio
from tests.waiting import until


def new_address() -> str:
    return f"{new_id()}@example.com"


async def member(password: str = PASSWORD) -> User:
    """Somebody who has an account, and no session."""
    hashed = await hash_password(password, path=())
    return await User.create(name="Grace", email=new_address(), password_hash=hashed)


async def sign_up(client: Client, email: str, **more: Any) -> Any:
    return (await client.run("SignUp", input={"email": email, "name": "Ada"} | more))["data"]["signUp"]


async def wish(email: str, **more: Any) -> str:
    """A wish to join whose mail has been sent; the token of its link."""
    token = new_token()
    values: dict[str, Any] = {"name": "Ada", "team_name": "Engines", "locale": "en"}
    values |= {"expires_at": utc_now() + timedelta(hours=1)} | more
    await SignUp.create(email=email, token_hash=token_hash(token), **values)
    return token


async def confirm(client: Client, token: str, password: str = PASSWORD) -> Any:
    return (await client.run("ConfirmSignUp", token=token, password=password))["data"]["confirmSignUp"]


async def sign_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    """Signs in, and keeps the token if there is one."""
    answer = (await client.run("SignIn", input={"email": email, "password": password} | more))["data"]["signIn"]
    client.token = answer.get("token")
    return answer


async def sign_in_with_code(client: Client, challenge: str, code: str, **more: Any) -> Any:
    answer = await client.run("SignInWithCode", input={"challenge": challenge, "code": code} | more)
    return answer["data"]["signInWithCode"]


async def who(client: Client) -> Any:
    """The address of who the client is signed in as."""
    viewer = (await client.run("Viewer"))["data"]["viewer"]
    return viewer and viewer["email"]


async def viewer_of(browser: httpx.AsyncClient, **request: Any) -> Any:
    query = {"query": "{viewer {email memberships {nodes {role team {name}}}}}"}
    response = await browser.post("/graphql", json=query, **request)
    return response.json()["data"]["viewer"]


async def mails_to(studio: Studio, email: str, *, at_least: int = 1) -> list[EmailMessage]:
    """The mails to that address in their order, once there are so many."""
    await until(lambda: len(all_mails_to(studio, email)) >= at_least)
    return all_mails_to(studio, email)


async def mail_to(studio: Studio, email: str) -> EmailMessage:
    """The one mail to that address, once it has come."""
    (mail,) = await mails_to(studio, email)
    return mail
