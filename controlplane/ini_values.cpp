// SPDX-License-Identifier: BSD-3-Clause
// The half of controlplane/ini_scan.h that asks iniparser.
//
// iniparser reads files only, so the text goes through a memory file. Its dictionary is a list it
// walks for every key, so the text is handed over in pieces of whole sections, which keeps the
// work linear in the text.
#include <fcntl.h>
#include <iniparser/iniparser.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "controlplane/ini_scan.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kPieceEntries = 256;

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}

    ~Descriptor() {
        if (number_ >= 0) {
            close(number_);
        }
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int number() const { return number_; }

  private:
    int number_;
};

struct FreeDictionary {
    void operator()(dictionary* loaded) const { iniparser_freedict(loaded); }
};

using Dictionary = std::unique_ptr<dictionary, FreeDictionary>;

int keep_quiet(const char* /*format*/, ...) {
    return 0;
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(file, text.data(), text.size());
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Dictionary load(std::string_view text) {
    const Descriptor file(memfd_create("posthaste-ini", MFD_CLOEXEC));
    if (file.number() < 0 || !write_all(file.number(), text)) {
        return nullptr;
    }
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    return Dictionary(iniparser_load(path.c_str()));
}

// iniparser's name of an entry: lower case, section and key with a colon between.
std::string entry_name(std::string_view section, std::string_view key) {
    std::string name = std::string(section) + ":" + std::string(key);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
}

// Sections [first, last) of the scan, whose text this is.
tl::expected<void, IniError> read_piece(std::string_view text,
                                        const IniScan& scan,
                                        std::size_t first,
                                        std::size_t last,
                                        std::vector<std::string>& values) {
    const Dictionary loaded = load(text);
    const int line = scan.sections[first].line;
    if (loaded == nullptr) {
        return tl::unexpected(IniError{line, "", "iniparser cannot read the text from here on"});
    }
    if (iniparser_getnsec(loaded.get()) != static_cast<int>(last - first)) {
        return tl::unexpected(IniError{line, "", "iniparser finds other sections from here on"});
    }
    for (std::size_t at = first; at < last; ++at) {
        const IniSection& section = scan.sections[at];
        const std::string name(section.name);
        if (iniparser_getsecnkeys(loaded.get(),
                                  entry_name(name, "").substr(0, name.size()).c_str()) !=
            static_cast<int>(section.entries)) {
            return tl::unexpected(IniError{section.line, name, "iniparser finds other keys"});
        }
        for (std::size_t i = section.entry; i < section.entry + section.entries; ++i) {
            const IniEntry& entry = scan.entries[i];
            const char* value =
                iniparser_getstring(loaded.get(), entry_name(name, entry.key).c_str(), nullptr);
            if (value == nullptr || value != entry.value) {
                return tl::unexpected(IniError{
                    entry.line, name, std::string(entry.key) + ": iniparser reads another value"});
            }
            values.emplace_back(value);
        }
    }
    return {};
}

}  // namespace

tl::expected<std::vector<std::string>, IniError> read_ini_values(std::string_view text,
                                                                 const IniScan& scan) {
    static std::once_flag quiet;
    std::call_once(quiet, [] { iniparser_set_error_callback(keep_quiet); });
    std::vector<std::string> values;
    values.reserve(scan.entries.size());
    for (std::size_t first = 0; first < scan.sections.size();) {
        std::size_t last = first;
        std::size_t entries = 0;
        while (last < scan.sections.size() && (last == first || entries < kPieceEntries)) {
            entries += scan.sections[last].entries + 1;
            ++last;
        }
        const std::size_t begin = scan.sections[first].offset;
        const std::size_t end =
            last < scan.sections.size() ? scan.sections[last].offset : text.size();
        const auto read = read_piece(text.substr(begin, end - begin), scan, first, last, values);
        if (!read) {
            return tl::unexpected(read.error());
        }
        first = last;
    }
    return values;
}

}  // namespace posthaste::controlplane
