// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/json_shape.h"

#include <set>
#include <sstream>
#include <string>

namespace posthaste::test {

using controlplane::Json;

Json shape_of(const Json& value) {
    if (value.is_object()) {
        Json shape = Json::object();
        for (const auto& [key, item] : value.items()) {
            shape[key] = shape_of(item);
        }
        return shape;
    }
    if (value.is_array()) {
        Json shape = Json::array();
        for (const Json& item : value) {
            Json next = shape_of(item);
            if (shape.empty()) {
                shape.push_back(std::move(next));
            } else {
                shape[0] = merge_shapes(shape[0], next);
            }
        }
        return shape;
    }
    return value.type_name();
}

Json merge_shapes(const Json& a, const Json& b) {
    if (a == b) {
        return a;
    }
    if (a.is_object() && b.is_object()) {
        Json merged = a;
        for (const auto& [key, shape] : b.items()) {
            merged[key] = a.contains(key) ? merge_shapes(a[key], shape) : shape;
        }
        return merged;
    }
    if (a.is_array() && b.is_array()) {
        return a.empty() ? b : b.empty() ? a : Json::array({merge_shapes(a[0], b[0])});
    }
    std::set<std::string> types;
    for (const Json& shape : {a, b}) {
        std::istringstream names(shape.is_string() ? shape.get<std::string>() : shape.type_name());
        for (std::string name; std::getline(names, name, '|');) {
            types.insert(name);
        }
    }
    std::string merged;
    for (auto type = types.rbegin(); type != types.rend(); ++type) {
        merged += (merged.empty() ? "" : "|") + *type;
    }
    return merged;
}

}  // namespace posthaste::test
