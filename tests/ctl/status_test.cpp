// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/status.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"

namespace memtuned::ctl {

using samples::view;

TEST_CASE("the status tells what the daemon does and what it cannot") {
    CHECK(render_status({samples::manager(), samples::objects()}, view) ==
          R"(memtuned 0.1.0: profile balanced, enforcing
sampling every 2s, last 400ms ago; rules read 3h 12min ago

Degraded
  psi  this kernel has none: rules on psi.* are unavailable

Active rules
  grow-reserve  for 12s  reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)

Tunables
  TUNABLE                       VALUE   AT BOOT  STATE       WRITTEN  BY
  vm.swappiness                    10        60  overridden  19s ago  override
  vm.watermark_scale_factor  80/10000  10/10000  managed     12s ago  rule grow-reserve

Services
  SERVICE      OOM SCORE ADJ  STATE    BY
  ssh.service           -500  managed  baseline of balanced

Overrides
  vm.swappiness  10  29min 41s left  nightly backup
)");
}

TEST_CASE("the status of a daemon with nothing to do says so") {
    ManagerState manager = samples::manager();
    manager.degraded.clear();
    manager.last_sample.reset();
    CHECK(render_status({manager, {{samples::tunable("vm.swappiness", 60, "free")}, {}, {}}}, view) ==
          R"(memtuned 0.1.0: profile balanced, enforcing
sampling every 2s, last never; rules read 3h 12min ago

No rule is active, and every tunable is as it was found.
)");
}

TEST_CASE("the status of a daemon that observes says that nothing is written") {
    ManagerState manager = samples::manager();
    manager.mode = "observe";
    const std::string text = render_status({manager, {}}, view);
    CHECK(text.substr(0, text.find('\n')) == "memtuned 0.1.0: profile balanced, observing: nothing is written");
}

TEST_CASE("the interval between samples is told in tenths of a second") {
    ManagerState manager = samples::manager();
    for (const auto& [microseconds, text] :
         {std::pair{1'999'949, "2s"}, {999'000, "1s"}, {99'500, "100ms"}, {10'000'000, "10s"}}) {
        manager.sample_interval = std::chrono::microseconds(microseconds);
        const std::string all = render_status({manager, {}}, view);
        CHECK(all.find(std::string("\nsampling every ") + text + ", ") != std::string::npos);
    }
}

TEST_CASE("an override without an end is told as one") {
    TunableState lasting = samples::overridden();
    lasting.override_expires.reset();
    const std::string text = render_status({samples::manager(), {{lasting}, {}, {}}}, view);
    CHECK(text.substr(text.find("Overrides")) ==
          "Overrides\n  vm.swappiness  10  until it is cleared or its caller leaves  nightly backup\n");
}

TEST_CASE("a service's override is told under the name that clears it") {
    ServiceState service = samples::service();
    service.state = "overridden";
    const std::string text = render_status({samples::manager(), {{}, {}, {service}}}, view);
    CHECK(text.substr(text.find("Overrides")) ==
          "Overrides\n  oom_score_adj.ssh.service  -500  until it is cleared or its caller leaves\n");
}

TEST_CASE("the status as JSON") {
    const Json json = to_json(StatusReport{samples::manager(), samples::objects()});
    CHECK(json.at("version") == "0.1.0");
    CHECK(json.at("mode") == "enforce");
    CHECK(json.at("sample_interval_seconds") == 2.0);
    CHECK(json.at("last_sample") == "2025-11-22T20:34:00.850000Z");
    CHECK(json.at("degraded").at(0).at("subject") == "psi");
    CHECK(json.at("active_rules").size() == 1);
    CHECK(json.at("active_rules").at(0).at("name") == "grow-reserve");
    CHECK(json.at("tunables").size() == 2);
    CHECK(json.at("services").size() == 1);
    CHECK(json.at("services").at(0).at("unit") == "ssh.service");
}

}  // namespace memtuned::ctl
