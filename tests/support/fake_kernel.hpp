// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel for tests: sysctl files that refuse values, zero their twins, fail at a chosen call or kill the "process"
// there, and remember what was written. No plain file does any of that.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::test {

class FakeKernel final : public kernel::SysctlFiles {
public:
    struct File {
        std::int64_t value = 0;
        std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
        std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
        std::int64_t rounded_to = 1;  ///< the kernel keeps a multiple of this
        bool deaf = false;            ///< writes go well and change nothing
        int read_error = 0;           ///< errno of every read, of every write
        int write_error = 0;
        std::function<void()> on_write;  ///< runs in the writer before the value changes
        std::string twin;                ///< path of the file that a write sets to 0
    };
    struct Write {
        std::string path;
        std::int64_t value;
        friend bool operator==(const Write&, const Write&) = default;
    };
    /// Thrown where the process is to end.
    struct Crash {};

    /// The tunables of a new kernel with their defaults: ranges of the catalogue, twins zeroing each other, triggers
    /// that cannot be read.
    FakeKernel() {
        static constexpr std::pair<std::string_view, std::int64_t> defaults[] = {
            {"vm.swappiness", 60},          {"vm.min_free_kbytes", 67584},        {"vm.watermark_scale_factor", 10},
            {"vm.vfs_cache_pressure", 100}, {"vm.watermark_boost_factor", 15000}, {"vm.page-cluster", 3},
            {"vm.dirty_ratio", 20},         {"vm.dirty_background_ratio", 10},    {"vm.compaction_proactiveness", 20},
        };
        for (const auto& tunable : tunables::catalogue()) {
            File& file = files_[std::string(tunable.path)];
            file.minimum = tunable.minimum;
            file.maximum = tunable.maximum;
            if (tunable.twin != tunables::no_twin) file.twin = tunables::catalogue()[tunable.twin].path;
            if (tunable.trigger) file.read_error = EACCES;
        }
        for (const auto& [name, value] : defaults) (*this)[name].value = value;
    }

    /// The file behind a tunable ("vm.swappiness") or at a path; a path not known so far is added.
    File& operator[](std::string_view name) { return files_[path(name)]; }
    void remove(std::string_view name) { files_.erase(path(name)); }
    std::int64_t value(std::string_view name) const { return files_.at(path(name)).value; }

    /// Somebody else writes: neither counted nor in the log.
    void set(std::string_view name, std::int64_t value) { assign(files_.at(path(name)), value); }

    /// The n-th call from now on (1 is the next) fails with `error`, or ends the process before or after it acted.
    void fail_call(int n, int error) { plan_ = {calls_ + n, error, Act::fail}; }
    void crash_before_call(int n) { plan_ = {calls_ + n, 0, Act::crash_before}; }
    void crash_after_call(int n) { plan_ = {calls_ + n, 0, Act::crash_after}; }
    void no_plan() { plan_ = {}; }

    int calls() const { return calls_; }
    std::vector<Write> writes() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }
    /// Called with the number of each call before it acts.
    std::function<void(int)> on_call;

    Result<std::int64_t> read(std::string_view path) override {
        if (const int error = next_call()) return system_error(std::string(path), error);
        const auto file = files_.find(std::string(path));
        if (file == files_.end()) return system_error(std::string(path), ENOENT);
        if (file->second.read_error != 0) return system_error(std::string(path), file->second.read_error);
        end_call();
        return file->second.value;
    }

    Status write(std::string_view path, std::int64_t value) override {
        if (const int error = next_call()) return system_error(std::string(path), error);
        const auto file = files_.find(std::string(path));
        if (file == files_.end()) return system_error(std::string(path), ENOENT);
        if (file->second.on_write) file->second.on_write();
        if (file->second.write_error != 0) return system_error(std::string(path), file->second.write_error);
        if (value < file->second.minimum || value > file->second.maximum)
            return system_error(std::string(path), EINVAL);
        assign(file->second, value);
        {
            const std::lock_guard lock(mutex_);
            log_.push_back({std::string(path), value});
        }
        end_call();
        return Done{};
    }

private:
    enum class Act : std::uint8_t { none, fail, crash_before, crash_after };
    struct Plan {
        int call = 0;
        int error = 0;
        Act act = Act::none;
    };

    static std::string path(std::string_view name) {
        const auto tunable = tunables::find(name);
        return std::string(tunable ? tunables::catalogue()[*tunable].path : name);
    }

    void assign(File& file, std::int64_t value) {
        if (file.deaf) return;
        file.value = value / file.rounded_to * file.rounded_to;
        if (!file.twin.empty()) files_.at(file.twin).value = 0;
    }

    int next_call() {
        const int call = ++calls_;
        if (on_call) on_call(call);
        if (plan_.call != call) return 0;
        if (plan_.act == Act::crash_before) throw Crash{};
        return plan_.act == Act::fail ? plan_.error : 0;
    }
    void end_call() const {
        if (plan_.call == calls_ && plan_.act == Act::crash_after) throw Crash{};
    }

    std::map<std::string, File> files_;
    mutable std::mutex mutex_;  ///< log_: a trigger is written from another thread
    std::vector<Write> log_;
    std::atomic<int> calls_ = 0;
    Plan plan_;
};

}  // namespace memtuned::test
