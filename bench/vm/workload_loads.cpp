// SPDX-License-Identifier: GPL-2.0-or-later
//
// How time is taken: where operations follow each other, the end of one is the beginning of the next, which halves
// the readings of the clock. Each touch is measured, not the mean of a batch, as the rare slow one is what matters; a
// reading by the vDSO is some 25 ns where the kernel trusts the processor's counter. Reading that counter directly
// would be no faster and wrong where it isn't trusted: what a reading costs on this machine is in the report instead.
//
// Touching is writing a word. Memory that was only read would keep its copy in swap and go out again without I/O.
#include "workload_loads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "workload_pace.hpp"
#include "workload_random.hpp"

namespace workload {
namespace {

constexpr std::int64_t page_size = 4096;

/// The part of each page that is filled does not compress, as a swap on zram would else hold many times what it does
/// of a real program.
const std::array<std::uint64_t, page_size / sizeof(std::uint64_t)>& noise() {
    static const auto words = [] {
        std::array<std::uint64_t, page_size / sizeof(std::uint64_t)> filled;
        Random random(1);
        for (std::uint64_t& word : filled) word = random.next();
        return filled;
    }();
    return words;
}

/// Anonymous memory.
class Pages {
public:
    /// Nothing if the kernel refuses; errno says why. Not reserved, as memory is to run out in use, not here.
    static std::optional<Pages> map(std::int64_t size, const Load& load) {
        const auto length = static_cast<std::size_t>((size + page_size - 1) / page_size * page_size);
        void* const memory =
            ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return std::nullopt;
        if (load.huge_pages == 0) ::madvise(memory, length, MADV_NOHUGEPAGE);  // a kernel without them says EINVAL
        return Pages(static_cast<char*>(memory), length, load.fill_percent);
    }
    ~Pages() {
        if (memory_ != nullptr) ::munmap(memory_, length_);
    }
    Pages(Pages&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), length_(other.length_), fill_bytes_(other.fill_bytes_) {}
    Pages& operator=(Pages&&) = delete;

    std::int64_t count() const { return static_cast<std::int64_t>(length_) / page_size; }
    bool filled() const { return fill_bytes_ > 0; }

    void touch(std::int64_t page) {
        *reinterpret_cast<volatile std::uint64_t*>(memory_ + page * page_size) = static_cast<std::uint64_t>(page);
    }
    /// All but the word that is touched.
    void fill(std::int64_t page) {
        if (filled()) std::memcpy(memory_ + page * page_size + sizeof(std::uint64_t), noise().data(), fill_bytes_);
    }
    void populate() {
        for (std::int64_t page = 0; page < count(); ++page) {
            touch(page);
            fill(page);
        }
    }
    /// For memory that is to stay until the process ends.
    void keep() { memory_ = nullptr; }

private:
    Pages(char* memory, std::size_t length, std::int64_t fill_percent)
        : memory_(memory),
          length_(length),
          fill_bytes_(static_cast<std::size_t>(
              std::max<std::int64_t>(0, page_size * fill_percent / 100 - std::int64_t{sizeof(std::uint64_t)}))) {}

    char* memory_;
    std::size_t length_;
    std::size_t fill_bytes_;
};

std::string refused(std::int64_t size, std::string_view advice) {
    return fmt::format("{} bytes of memory are refused: {}; {}", size, std::strerror(errno), advice);
}

constexpr std::string_view smaller = "choose a smaller size=";

Pages map_or_fail(std::int64_t size, const Load& load, std::string_view advice) {
    auto pages = Pages::map(size, load);
    if (!pages) throw Failure(refused(size, advice));
    return std::move(*pages);
}

/// Touches what `page` returns for 0 to `count` - 1, each of them measured, unless the time is over. Returns when the
/// last one ended.
template <class Page>
std::int64_t touch_each(Pages& pages, Session& session, std::size_t series, std::int64_t count, Page page) {
    std::int64_t began = now();
    for (std::int64_t i = 0; i < count && began < session.until; ++i) {
        pages.touch(page(i));
        const std::int64_t ended = now();
        session.meter.record(series, began, ended);
        began = ended;
    }
    return began;
}

/// Touches pages for the first time, from `from` on. Returns when the last one was filled.
std::int64_t fault_in(Pages& pages, Session& session, std::int64_t from, std::int64_t count) {
    std::int64_t began = now();
    for (std::int64_t page = from; page < from + count; ++page) {
        pages.touch(page);
        const std::int64_t ended = now();
        session.meter.record(0, began, ended, page_size);
        began = ended;
        if (!pages.filled()) continue;
        pages.fill(page);
        began = now();
    }
    return began;
}

class Burst : public Work {
public:
    explicit Burst(const Load& load) : load_(load) {}

    void run(Session& session) override {
        Beat beat(session, session.begin + load_.after, load_.every);
        while (beat.wait()) burst(session);
    }

private:
    void burst(Session& session) {
        const std::int64_t began = now();
        auto pages = Pages::map(load_.size, load_);
        if (!pages) {
            session.meter.error(began, refused(load_.size, smaller));
            return;
        }
        const std::int64_t touched = fault_in(*pages, session, 0, pages->count());
        session.meter.record(1, began, touched);
        sleep_until(std::min(touched + load_.hold, session.until));
    }

    const Load& load_;
};

class Hot : public Work {
public:
    Hot(const Load& load, std::uint64_t seed) : load_(load), random_(seed) {}

    void set_up() override {
        pages_.emplace(map_or_fail(load_.size, load_, smaller));
        pages_->populate();
        hot_ = std::max<std::int64_t>(1, pages_->count() * load_.hot_percent / 100);
        cold_ = pages_->count() - hot_;
    }

    void run(Session& session) override {
        Pace pace(session, static_cast<double>(load_.rate), load_.batch, load_.think);
        while (const std::int64_t touches = pace.wait()) {
            const std::int64_t ended =
                touch_each(*pages_, session, 0, touches, [this](std::int64_t) { return any_hot(); });
            if (load_.cold_every > 0) touch_cold(session, ended);
        }
    }

private:
    std::int64_t any_hot() { return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(hot_))); }

    /// As many cold pages as are due in so much time.
    std::int64_t cold_due(double ns) const {
        return static_cast<std::int64_t>(ns / static_cast<double>(load_.cold_every) * static_cast<double>(cold_));
    }

    /// One after the other. When they are slow, what is due grows: then only a part of it, as the hot ones wait for
    /// it.
    void touch_cold(Session& session, std::int64_t instant) {
        const std::int64_t due = cold_due(static_cast<double>(instant - session.begin)) - cold_touches_;
        const double touches_per_second = static_cast<double>(std::max<std::int64_t>(1, load_.rate));
        const std::int64_t most = std::max<std::int64_t>(64, cold_due(2e9 / touches_per_second));
        touch_each(*pages_, session, 1, std::min(due, most),
                   [this](std::int64_t) { return hot_ + cold_touches_++ % cold_; });
    }

    const Load& load_;
    Random random_;
    std::optional<Pages> pages_;
    std::int64_t hot_ = 0;
    std::int64_t cold_ = 0;
    std::int64_t cold_touches_ = 0;
};

class Heap : public Work {
public:
    explicit Heap(const Load& load) : load_(load) {}

    void set_up() override {
        pages_.emplace(map_or_fail(load_.size, load_, smaller));
        pages_->populate();
    }

    void run(Session& session) override {
        if (load_.every == 0) return sleep_until(session.until);
        Beat beat(session, session.begin + load_.every, load_.every);
        while (beat.wait()) {
            const std::int64_t began = now();
            const std::int64_t ended =
                touch_each(*pages_, session, 0, pages_->count(), [](std::int64_t page) { return page; });
            if (ended < session.until) session.meter.record(1, began, ended);
        }
    }

private:
    const Load& load_;
    std::optional<Pages> pages_;
};

class Grow : public Work {
public:
    explicit Grow(const Load& load) : load_(load) {}

    void run(Session& session) override {
        constexpr std::int64_t unpaced_batch = 16;
        Pace pace(session, static_cast<double>(load_.rate) / page_size, unpaced_batch, 0);
        while (const std::int64_t batch = pace.wait()) {
            if (load_.to != none && grown_ >= load_.to) return sleep_until(session.until);
            grow(session, batch);
        }
    }

private:
    void grow(Session& session, std::int64_t pages) {
        constexpr std::int64_t chunk_size = 16 << 20;
        while (pages > 0) {
            if (!chunk_ || used_ == chunk_->count()) {
                if (chunk_) chunk_->keep();
                chunk_.emplace(map_or_fail(chunk_size, load_, "say where it is to stop, with to="));
                used_ = 0;
            }
            const std::int64_t now_used = std::min(pages, chunk_->count() - used_);
            fault_in(*chunk_, session, used_, now_used);
            used_ += now_used;
            grown_ += now_used * page_size;
            pages -= now_used;
        }
    }

    const Load& load_;
    std::optional<Pages> chunk_;
    std::int64_t used_ = 0;
    std::int64_t grown_ = 0;
};

class Idle : public Work {
public:
    void run(Session& session) override { sleep_until(session.until); }
};

/// A file and a buffer a block can be moved through, also past the page cache.
class File {
public:
    File(const Load& load, int flags) : load_(load) {
        file_ = Descriptor(::open(load.file.c_str(), flags | O_CLOEXEC, 0600));
        if (!file_.open())
            fail(errno, fmt::format("cannot open {}", load.file),
                 load.direct != 0 ? "choose a file on a disk, or direct=0" : "choose another file=");
        const std::int64_t size = load.block > 0 ? load.block : load.size;
        void* const memory = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) fail(errno, "cannot have a buffer", "choose a smaller block=");
        ::mlock(memory, static_cast<std::size_t>(size));  // as far as that is allowed
        buffer_ = static_cast<char*>(memory);
        for (std::int64_t at = 0; at + page_size <= size; at += page_size)
            std::memcpy(buffer_ + at, noise().data(), page_size);
    }
    ~File() = default;  // the buffer ends with the process
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    int fd() const { return file_.get(); }

    // What follows returns when the operation ended.

    std::int64_t read(Session& session, std::int64_t offset, std::int64_t length) {
        const std::int64_t began = now();
        const ssize_t done = ::pread(fd(), buffer_, static_cast<std::size_t>(length), offset);
        return finish(session, 0, began, done, "read");
    }
    std::int64_t write(Session& session, std::size_t series, std::int64_t offset, std::int64_t length) {
        const std::int64_t began = now();
        const ssize_t done = ::pwrite(fd(), buffer_, static_cast<std::size_t>(length), offset);
        return finish(session, series, began, done, "write");
    }
    std::int64_t sync(Session& session, std::size_t series) {
        const std::int64_t began = now();
        return finish(session, series, began, ::fsync(fd()), "sync");
    }
    /// Reads it in, as far as it has to be in the page cache.
    void warm() {
        if (load_.warm == 0) return;
        for (std::int64_t at = 0; at < load_.size; at += load_.block)
            if (::pread(fd(), buffer_, static_cast<std::size_t>(std::min(load_.block, load_.size - at)), at) < 0)
                fail(errno, fmt::format("cannot read {}", load_.file), "choose another file=");
    }

private:
    /// Of an operation that returned so much, or -1 and errno.
    std::int64_t finish(Session& session, std::size_t series, std::int64_t began, ssize_t done,
                        std::string_view what) {
        const int error = errno;
        const std::int64_t ended = now();
        if (done >= 0) {
            session.meter.record(series, began, ended, static_cast<std::size_t>(done));
            return ended;
        }
        session.meter.error(began, fmt::format("cannot {} {}: {}", what, load_.file, std::strerror(error)));
        constexpr std::int64_t pause = 10'000'000;  // it may fail at once, and again
        sleep_until(std::min(ended + pause, session.until));
        return ended;
    }

    const Load& load_;
    Descriptor file_;
    char* buffer_;
};

/// A file from end to end, again and again.
class Sequence : public Work {
public:
    Sequence(const Load& load, int flags) : load_(load), flags_(flags) {}

    void set_up() override {
        file_.emplace(load_, flags_);
        file_->warm();
    }

    void run(Session& session) override {
        Pace pace(session, static_cast<double>(load_.rate) / static_cast<double>(load_.block), 1, 0);
        while (std::int64_t blocks = pace.wait())
            for (std::int64_t at = 0; blocks > 0 && at < session.until; --blocks) at = move(session);
    }

private:
    std::int64_t move(Session& session) {
        const std::int64_t offset = offset_;
        const std::int64_t length = std::min(load_.block, load_.size - offset);
        offset_ = offset + length < load_.size ? offset + length : 0;
        return flags_ == O_WRONLY ? file_->write(session, 0, offset, length) : file_->read(session, offset, length);
    }

    const Load& load_;
    int flags_;
    std::optional<File> file_;
    std::int64_t offset_ = 0;
};

class RandomReads : public Work {
public:
    RandomReads(const Load& load, std::uint64_t seed) : load_(load), random_(seed) {}

    void set_up() override {
        file_.emplace(load_, load_.direct != 0 ? O_RDONLY | O_DIRECT : O_RDONLY);
        file_->warm();
    }

    void run(Session& session) override {
        const auto blocks = static_cast<std::uint64_t>(load_.size / load_.block);
        Pace pace(session, static_cast<double>(load_.rate), std::max<std::int64_t>(1, load_.batch), load_.think);
        while (std::int64_t reads = pace.wait())
            for (std::int64_t at = 0; reads > 0 && at < session.until; --reads)
                at =
                    file_->read(session, static_cast<std::int64_t>(random_.below(blocks)) * load_.block, load_.block);
    }

private:
    const Load& load_;
    Random random_;
    std::optional<File> file_;
};

class Fsync : public Work {
public:
    explicit Fsync(const Load& load) : load_(load) {}

    void set_up() override { file_.emplace(load_, O_WRONLY | O_CREAT | O_TRUNC); }

    void run(Session& session) override {
        Beat beat(session, session.begin, load_.every);
        while (beat.wait()) {
            const std::int64_t came = now();
            append(session);
            // Who would have come meanwhile would have waited for the rest: without them a wait of 4 s counts as one
            // of several, beside the ten quick ones that follow it.
            const std::int64_t served = now();
            for (std::int64_t at = came; at < served; at += load_.every)
                session.meter.record(wait_series, at, served);
        }
    }

private:
    static constexpr std::size_t wait_series = 2;

    void append(Session& session) {
        constexpr std::int64_t largest = 64 << 20;
        if (offset_ + load_.size > largest && ::ftruncate(file_->fd(), 0) == 0) offset_ = 0;
        file_->write(session, 1, offset_, load_.size);
        offset_ += load_.size;
        file_->sync(session, 0);
    }

    const Load& load_;
    std::optional<File> file_;
    std::int64_t offset_ = 0;
};

}  // namespace

std::unique_ptr<Work> make_work(const Load& load, std::uint64_t seed) {
    const std::string_view kind = load.kind->name;
    if (kind == "burst") return std::make_unique<Burst>(load);
    if (kind == "hot") return std::make_unique<Hot>(load, seed);
    if (kind == "heap") return std::make_unique<Heap>(load);
    if (kind == "stream") return std::make_unique<Sequence>(load, O_RDONLY);
    if (kind == "hotfile" || kind == "randread") return std::make_unique<RandomReads>(load, seed);
    if (kind == "write") return std::make_unique<Sequence>(load, O_WRONLY);
    if (kind == "fsync") return std::make_unique<Fsync>(load);
    if (kind == "grow") return std::make_unique<Grow>(load);
    return std::make_unique<Idle>();
}

}  // namespace workload
