"""Lists of a system end when it says so, or with an empty page, and never in silence before."""

from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import Answer

from .test_http_adapter import HttpCase


class TestEnds(HttpCase):
    def serve_list(self, number, cap=100, counts_by_asked=False, repeats_last=False):
        """Serve a list of ids, at most ``cap`` in a page."""

        def answer(request):
            asked = int(request.params.get("per_page") or request.params["limit"])
            given = min(asked, cap)
            if "page" in request.params:
                start = (int(request.params["page"]) - 1) * (asked if counts_by_asked else given)
            else:
                start = int(request.params["offset"])
            if repeats_last and start >= number:
                start = (number - 1) // given * given
            page = list(range(start, min(start + given, number)))
            return Answer({"items": page, "count": number, "pages": -(-number // given)})

        self.serve(answer)

    def listed(self, kind, **options):
        pages = getattr(self.adapter(), f"pages_by_{kind}")("/things", records=lambda body: body["items"], **options)
        return [record for page in pages for record in page]

    def test_c1_a_size_that_the_system_lowers_loses_nothing(self):
        for kind in ("number", "offset"):
            for number in (0, 1, 49, 50, 51, 100, 250):
                with self.subTest(kind, number=number):
                    self.serve_list(number, cap=50)
                    self.assertEqual(self.listed(kind, size=100), list(range(number)))

    def test_c1_nor_where_the_system_counts_its_pages_by_the_size_that_was_asked_for(self):
        for number in (49, 50, 51, 75, 120, 250):
            with self.subTest(number):
                self.serve_list(number, cap=50, counts_by_asked=True)
                self.assertEqual(sorted(self.listed("number", size=100)), list(range(number)))

    def test_c1_a_short_list_of_a_system_that_takes_only_some_sizes_is_whole(self):
        self.serve(
            lambda request: (
                Answer({"items": [1, 2] if request.params["page"] == "1" else []})
                if request.params["per_page"] == "100"
                else Answer({"error": "per_page must be 10, 50 or 100"}, status=422)
            )
        )
        self.assertEqual(self.listed("number", size=100), [1, 2])

    def test_c1_a_system_that_hides_records_after_it_has_cut_the_pages_loses_none(self):
        hidden = {*range(30, 130), *range(150, 200)}

        def answer(request):
            size = int(request.params["per_page"])
            start = (int(request.params["page"]) - 1) * size
            shown = [number for number in range(start, min(start + size, 200)) if number not in hidden]
            return Answer({"items": shown})

        self.serve(answer)
        self.assertEqual(self.listed("number", size=100), [*range(30), *range(130, 150)])

    def test_c1_a_short_page_in_the_middle_is_not_the_end(self):
        pages = {"1": [0, 1, 2], "2": [3], "3": [4, 5, 6], "4": []}
        self.serve(lambda request: Answer({"items": pages[request.params["page"]]}))
        self.assertEqual(self.listed("number", size=3), list(range(7)))

    def test_c1_a_total_ends_a_list_without_another_request(self):
        for kind in ("number", "offset"):
            self.serve_list(100, cap=50)
            self.assertEqual(self.listed(kind, size=50, total=lambda body: body["count"]), list(range(100)))
            self.assertEqual(len(self.server.requests), 2)

    def test_c1_a_total_that_is_none_ends_nothing(self):
        for total in (None, "many", True, [], float("nan")):
            with self.subTest(total):
                self.serve_list(5)
                self.assertEqual(self.listed("number", size=2, total=lambda body, total=total: total), list(range(5)))

    def test_a_total_that_is_less_than_its_page_ends_nothing(self):
        for kind in ("number", "offset"):
            for total in (-1, 0, "0", 1):
                with self.subTest(kind, total=total):
                    self.serve_list(5)
                    self.assertEqual(self.listed(kind, size=2, total=lambda body, total=total: total), list(range(5)))

    def test_c1_the_system_may_say_whether_there_is_more(self):
        self.serve_list(6)
        listed = self.listed("offset", size=3, more=lambda body: body["items"][-1] < 5)
        self.assertEqual((listed, len(self.server.requests)), (list(range(6)), 2))

    def test_c1_an_empty_page_is_no_end_where_it_says_that_there_is_more(self):
        pages = {"1": [1], "2": [], "3": [], "4": [2]}
        self.serve(lambda request: Answer({"items": pages[request.params["page"]], "at": request.params["page"]}))
        self.assertEqual(self.listed("number", size=1, more=lambda body: body["at"] != "4"), [1, 2])

    def test_c1_an_answer_without_content_is_an_empty_page(self):
        self.serve(lambda request: Answer([7]) if request.params["page"] == "1" else Answer(status=204))
        self.assertEqual(list(self.adapter().pages_by_number("/things")), [[7]])

    def test_c1_a_page_that_is_refused_says_how_its_list_could_end_before(self):
        self.serve(lambda request: Answer([7]) if request.params["page"] == "1" else Answer({"detail": "No page"}, 404))
        with self.assertRaisesRegex(Exception, r"No page.* page=2 and per_page=100.* total or more"):
            list(self.adapter().pages_by_number("/things"))

    def test_c2_a_last_page_that_is_repeated_is_the_end_where_that_is_said(self):
        for kind in ("number", "offset"):
            for number in (1, 12, 13, 14, 26):
                with self.subTest(kind, number=number):
                    self.serve_list(number, repeats_last=True)
                    self.assertEqual(self.listed(kind, size=13, repeats_last=True), list(range(number)))
                    total = self.listed(kind, size=13, total=lambda body: body["count"])
                    self.assertEqual(total, list(range(number)))

    def test_c2_and_an_error_where_it_is_not(self):
        self.serve_list(13, repeats_last=True)
        for kind in ("number", "offset"):
            with self.assertRaisesRegex(InvalidDataError, "again and again"):
                self.listed(kind, size=13)

    def walk(self, following):
        """Serve pages that name the next one, and list them by cursor."""
        self.serve(
            lambda request: Answer(
                {"items": [request.params.get("cursor")], "next": following[request.params.get("cursor")]}
            )
        )
        pages = self.adapter().pages_by_cursor(
            "/things", next_cursor=lambda body: body["next"], records=lambda body: body["items"]
        )
        return [record for page in pages for record in page]

    def test_c3_cursors_that_go_round_are_an_error(self):
        for following in (
            {None: "a", "a": "b", "b": "a"},
            {None: "a", "a": "b", "b": "c", "c": "a"},
            {None: "a", "a": "a"},
        ):
            with self.subTest(following), self.assertRaisesRegex(InvalidDataError, "again and again"):
                self.walk(following)
            self.assertLessEqual(len(self.server.requests), 5)

    def test_c3_a_cursor_of_zero_is_one(self):
        self.assertEqual(self.walk({None: 0, "0": "b", "b": None}), [None, "0", "b"])

    def test_c3_cursors_without_end_that_bring_nothing_are_an_error(self):
        self.serve(lambda request: Answer({"items": [], "next": len(self.server.requests)}))
        with self.assertRaisesRegex(InvalidDataError, "again and again"):
            list(
                self.adapter().pages_by_cursor(
                    "/", next_cursor=lambda body: body["next"], records=lambda body: body["items"]
                )
            )

    def test_c3_many_empty_pages_with_new_cursors_are_no_end(self):
        following = {None: 0, **{str(at): at + 1 for at in range(50)}, "50": None}

        def answer(request):
            at = request.params.get("cursor")
            return Answer({"items": [at] if at in (None, "50") else [], "next": following[at]})

        self.serve(answer)
        pages = self.adapter().pages_by_cursor(
            "/", next_cursor=lambda body: body["next"], records=lambda body: body["items"]
        )
        self.assertEqual(list(pages), [[None], ["50"]])

    def test_c3_nor_are_many_with_new_links(self):
        def answer(request):
            at = int(request.params.get("at", 0))
            link = {"Link": f"</things?at={at + 1}>; rel=next"} if at < 50 else {}
            return Answer([at] if at in (0, 50) else [], headers=link)

        self.serve(answer)
        self.assertEqual(list(self.adapter().pages_by_link("/things")), [[0], [50]])

    def test_c3_links_that_go_round_are_an_error(self):
        following = {None: "1", "1": "2", "2": "1"}

        def answer(request):
            at = request.params.get("at")
            return Answer([at], headers={"Link": f'</things?at={following[at]}>; rel="next"'})

        self.serve(answer)
        with self.assertRaisesRegex(InvalidDataError, "again and again"):
            list(self.adapter().pages_by_link("/things"))
        self.assertLessEqual(len(self.server.requests), 4)

    def test_c3_a_link_is_found_however_it_is_written(self):
        for link in (
            "<things?at=2>; rel=next",
            '<?at=2>; rel="last next"',
            '</things?at=1>; rel="prev", </things?at=2>; REL="NEXT"',
            '</things?at=2>; title="a; b=c, d"; rel="next"',
            '</things?at=2>; rel="next"; rel="prev"',
            "</things?at=2>; foo.bar=1; rel=next",
            '</things?at=2&list=1,2>; rel="next"',
        ):
            with self.subTest(link):
                self.serve(
                    lambda request, link=link: Answer(
                        [request.params.get("at")], headers={} if "at" in request.params else {"Link": link}
                    )
                )
                self.assertEqual(list(self.adapter().pages_by_link("/things")), [[None], ["2"]])

    def list_with_header(self, link):
        self.serve(Answer([1], headers={"Link": link}))
        return list(self.adapter().pages_by_link("/things"))

    def test_c3_a_header_that_cannot_be_read_is_shown_and_is_no_end(self):
        for link in (
            '/things?at=2; rel="next"',
            '</things?at=2> rel="next"',
            '</things?at=2; rel="next"',
            '</things?at=1>; rel="prev", /things?at=2; rel="next"',
            "</things?at=2>; title=a, b; rel=next",
            '</things?at=2>; title="a; rel="next"',
        ):
            with self.subTest(link), self.assertRaisesRegex(InvalidDataError, "header Link .* cannot be read.*things"):
                self.list_with_header(link)

    def test_c3_a_header_without_a_next_link_is_the_end(self):
        for link in (
            "",
            '</things?at=1>; rel="prev", ',
            "</style.css>; rel=preload; nopush; as=style;",
            "</things?at=1>; rel=first; title='a, b'",
            "</things?at=1>; rel=first; foo.bar=1",
        ):
            with self.subTest(link):
                self.assertEqual(self.list_with_header(link), [[1]])

    def test_c3_a_link_to_another_server_is_not_followed(self):
        self.serve(Answer([1], headers={"Link": '<https://elsewhere.example.com/?token=t0ken>; rel="next"'}))
        with self.assertRaisesRegex(InvalidDataError, "another server"):
            list(self.adapter().pages_by_link("/things"))
