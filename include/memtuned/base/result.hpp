// SPDX-License-Identifier: GPL-2.0-or-later
//
// Expected failures are values: a Result carries either what was asked for or an Error that a person can
// act on. (gcc 12 has no std::expected in C++20.) Programming errors are assertions, never Results.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace memtuned {

/// What went wrong: `message` names the subject and the reason; `code` is the errno behind it, 0 if none.
struct Error {
    std::string message;
    int code = 0;
};

/// "SUBJECT: strerror(CODE)" with the code kept.
Error system_error(std::string subject, int code);

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    Result(Result&&) noexcept = default;
    Result& operator=(Result&&) noexcept = default;

    explicit operator bool() const { return state_.index() == 0; }

    T& value() { return assert(*this), *std::get_if<0>(&state_); }
    const T& value() const { return assert(*this), *std::get_if<0>(&state_); }
    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Error& error() const { return assert(!*this), *std::get_if<1>(&state_); }

private:
    std::variant<T, Error> state_;
};

/// The value of a Result that only says whether something worked.
struct Done {};
using Status = Result<Done>;

}  // namespace memtuned
