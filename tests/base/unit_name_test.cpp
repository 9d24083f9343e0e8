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

TEST_CASE("a unit's name is of systemd's characters and ends as units do") {
    for (const char* good : {"cron.service", "dev-disk-by\\x2dlabel.swap", "getty@tty1.service", "a:b_c.1.scope",
                             "user@1000.service/app.slice"})
        CHECK_MESSAGE(is_unit_name(good), good);
    for (const char* bad : {"", ".service", "cron", "cron.timer", "a b.service", "\xff\xfe.service", "\u00fc.scope",
                            "new\nline.service", "*.service"})
        CHECK_FALSE_MESSAGE(is_unit_name(bad), bad);
}

}  // namespace memtuned
