// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reader for files of "name value" lines: vmstat ("pgfault 12") and meminfo ("MemFree:  12 kB"). vmstat has about 200
// lines and a tick wants a few dozen of them, so it remembers where each key stood. Numbers that gain a digit move
// what follows: a key is looked for where the one before it makes it likely, and only then further on. When that
// fails, or the number of lines changed while a key is missing, the whole text is searched again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

inline constexpr std::string_view vmstat_path = "proc/vmstat";
inline constexpr std::string_view meminfo_path = "proc/meminfo";

class KeyedText {
public:
    /// `keys` are matched whole; `separator` is what follows a key: ' ' in vmstat, ':' in meminfo.
    KeyedText(std::vector<std::string> keys, char separator);

    /// Looks the keys up in `text`, the whole of a file. Never allocates.
    void parse(std::string_view text);
    /// As if the last text had been empty, but keeps in mind where the keys were.
    void forget();

    /// Whether the last text had a line with key `i`.
    bool has(std::size_t i) const { return wanted_[i].present; }
    /// The value of key `i`: bytes where the file says kB, else the number as it stands. None where the key is
    /// missing or its value is no unsigned number of 64 bits.
    std::optional<std::uint64_t> value(std::size_t i) const { return wanted_[i].value; }

private:
    struct Wanted {
        std::string key;  ///< between the end of the line before and the value: "\npgfault "
        std::size_t at = nowhere;
        bool present = false;
        std::optional<std::uint64_t> value;

        std::string_view line_start() const;
        bool stands_at(std::string_view text, std::size_t place) const;
        void read(std::string_view text, std::size_t place);
    };
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    bool follow(std::string_view text);
    void learn(std::string_view text);

    std::vector<Wanted> wanted_;
    std::vector<std::size_t> order_;  ///< indices into wanted_, by place; those not found are last
    std::size_t found_ = 0;
    std::size_t lines_ = 0;  ///< of the text last learnt
    std::size_t size_ = 0;   ///< of the last text
};

class KeyedFile {
public:
    static KeyedFile vmstat(const Root& root, std::vector<std::string> keys);
    static KeyedFile meminfo(const Root& root, std::vector<std::string> keys);

    /// Reads the file. After an error no key has a value until a refresh() works again.
    Status refresh();

    bool has(std::size_t i) const { return text_.has(i); }
    std::optional<std::uint64_t> value(std::size_t i) const { return text_.value(i); }
    const std::string& name() const { return file_.name(); }

private:
    KeyedFile(KeptFile file, KeyedText text) : file_(std::move(file)), text_(std::move(text)) {}

    KeptFile file_;
    KeyedText text_;
};

}  // namespace memtuned::kernel
