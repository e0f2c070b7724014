"""Pagination of long lists: by page number, offset, cursor or ``Link`` header."""

from urllib.parse import urljoin

from ...exception import InvalidDataError


def _the_body(body):
    return body


class Paging:
    """Paging methods of an :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter`.

    Each is a generator that yields lists of records. All take ``path`` and ``params`` of the first
    request, and ``records``: a ``function(body)`` that returns the records of a page from the value
    of its JSON. By default the body is the list.

    :raise InvalidDataError: a page is not a list, or the same page comes twice, so that there would
        be no end
    """

    def pages_by_number(
        self, path, params=None, *, records=_the_body, number="page", first=1, size=100, size_name="per_page"
    ):
        """Request pages by number, until one is not full.

        :param number: name of the parameter for the page number
        :param first: number of the first page
        :param size: number of records in a page
        :param size_name: name of the parameter for the size
        """
        return self._full_pages(
            path, size, records, lambda pages: {**(params or {}), number: first + pages, size_name: size}
        )

    def pages_by_offset(self, path, params=None, *, records=_the_body, offset="offset", size=100, size_name="limit"):
        """Request pages by offset, until one is not full.

        :param offset: name of the parameter for the number of records to skip
        :param size: number of records in a page
        :param size_name: name of the parameter for the size
        """
        return self._full_pages(
            path, size, records, lambda pages: {**(params or {}), offset: pages * size, size_name: size}
        )

    def pages_by_cursor(self, path, params=None, *, next_cursor, records=_the_body, cursor="cursor"):
        """Request the page of each cursor, until a page has no next cursor.

        :param next_cursor: ``function(body)`` that returns the cursor of the next page, None after
            the last one
        :param cursor: name of the parameter for the cursor
        """
        asked, at = params, None
        while True:
            body = self.request_json("GET", path, params=asked)
            yield self._list_of(records(body), path)
            previous, at = at, next_cursor(body)
            if not at:
                return
            if at == previous:
                raise self._endless(path)
            asked = {**(params or {}), cursor: at}

    def pages_by_link(self, path, params=None, *, records=_the_body):
        """Follow the ``next`` link of the header ``Link``, until there is none."""
        while path:
            response = self.request("GET", path, params=params)
            yield self._list_of(records(self.json_of(response)), path)
            link = response.links.get("next", {}).get("url")
            previous, path, params = path, link and urljoin(response.url, link), None
            if path and path == previous:
                raise self._endless(path)

    def _full_pages(self, path, size, records, params):
        previous, pages = None, 0
        while True:
            page = self._list_of(records(self.request_json("GET", path, params=params(pages))), path)
            if page and page == previous:
                raise self._endless(path)
            yield page
            if len(page) < size:
                return
            previous, pages = page, pages + 1

    def _list_of(self, page, path):
        if not isinstance(page, list):
            raise InvalidDataError(
                self._("What %(system)s answers to %(path)s is not a list of records.", system=self._label, path=path)
            )
        return page

    def _endless(self, path):
        return InvalidDataError(
            self._("%(system)s gives the same page of %(path)s again and again.", system=self._label, path=path)
        )
