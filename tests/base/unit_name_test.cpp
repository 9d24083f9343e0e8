// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/unit_name.hpp"

#include <doctest/doctest.h>

#include <string>

namespace memtuned {

TEST_CASE("a pattern reaches as far as a unit's own name") {
    CHECK(names_unit("*.service", "cron.service"));
    CHECK(names_unit("cron.service", "cron.service"));
    CHECK(names_unit("ssh@*.service", "ssh@3.service"));
    CHECK(names_unit("[a-d]ron.s?rvice", "cron.service"));
    CHECK(names_unit("user@*.service/app-*.scope", "user@1000.service/app-editor.scope"));
    CHECK(names_unit("foo@bar\\x2dbaz.service", "foo@bar\\x2dbaz.service"));
    CHECK(names_unit("foo@bar\\x2d*", "foo@bar\\x2dbaz.service"));
    CHECK_FALSE(names_unit("*.service", "user@1000.service/x.service"));
    CHECK_FALSE(names_unit("*", "user@1000.service/x.service"));
    CHECK_FALSE(names_unit("cron", "cron.service"));
    CHECK_FALSE(names_unit("c\\ron.service", "cron.service"));
    CHECK_FALSE(names_unit("", "cron.service"));
}

TEST_CASE("a pattern could mean a unit if it ends as units do, or in a wildcard") {
    for (const char* good : {"ssh.service", "a.scope", "b.slice", "c.socket", "d.mount", "e.swap", "batch-*",
                             "x.servic?", "y.[a-z]", "user@1000.service/a.scope"})
        CHECK_MESSAGE(could_name_units(good), good);
    for (const char* bad : {"", "ssh", ".service", "ssh.services", "ssh.timer", "ssh.service/"})
        CHECK_FALSE_MESSAGE(could_name_units(bad), bad);
    CHECK(could_name_units(std::string(247, 'a') + ".service"));
    CHECK(could_name_units(std::string(503, 'a') + ".service"));
    CHECK_FALSE(could_name_units(std::string(504, 'a') + ".service"));
}

}  // namespace memtuned
