// SPDX-License-Identifier: GPL-2.0-or-later
//
// The answer to a call, given now or later. What a handler throws becomes the error that the caller gets: sdbus-c++
// 1.2 ends the process over an exception that is not its own.
#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "bus/names.hpp"
#include "bus/sdbus.hpp"

namespace memtuned::bus {

template <class... Results>
class Answer {
public:
    explicit Answer(sdbus::Result<Results...>&& result)
        : result_(std::make_shared<sdbus::Result<Results...>>(std::move(result))) {}

    void give(const Results&... results) const { result_->returnResults(results...); }
    void refuse(const sdbus::Error& error) const { result_->returnError(error); }

private:
    std::shared_ptr<sdbus::Result<Results...>> result_;
};

/// Runs the handler of a call; what it throws is the answer.
template <class... Results, class Handler>
void guarded(const Answer<Results...>& answer, Handler handler) {
    try {
        handler();
    } catch (const sdbus::Error& error) {
        answer.refuse(error);
    } catch (const std::exception& failure) {
        answer.refuse(make_error(error::failed, failure.what()));
    }
}

/// The same for getters and for methods that answer at once.
template <class Handler>
auto guarded(Handler handler) {
    try {
        return handler();
    } catch (const sdbus::Error&) {
        throw;
    } catch (const std::exception& failure) {
        throw make_error(error::failed, failure.what());
    }
}

}  // namespace memtuned::bus
