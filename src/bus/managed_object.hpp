// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>

#include "bus/changes.hpp"
#include "bus/object.hpp"
#include "bus/sdbus.hpp"

namespace memtuned::bus {

/// What the objects below the manager share: they come, change and go, and tell so. `Adaptor` is the generated one.
template <class Adaptor>
class ManagedObject
    : public Object,
      public sdbus::AdaptorInterfaces<Adaptor, sdbus::Properties_adaptor, sdbus::ManagedObject_adaptor> {
public:
    ManagedObject(const ManagedObject&) = delete;
    ManagedObject& operator=(const ManagedObject&) = delete;

    void update(std::size_t) override {
        look();
        changes_.tell(*this, Adaptor::INTERFACE_NAME);
    }
    void begin() override {
        look();
        changes_.forget();
    }
    void tell_added() override { this->emitInterfacesAddedSignal(); }
    void tell_removed() override { this->emitInterfacesRemovedSignal(); }

protected:
    ManagedObject(sdbus::IConnection& connection, const std::string& path, Host& host, Requests& requests)
        : sdbus::AdaptorInterfaces<Adaptor, sdbus::Properties_adaptor, sdbus::ManagedObject_adaptor>(
              connection, ObjectPath(path)),
          host_(host),
          requests_(requests) {
        this->registerAdaptor();
    }
    ~ManagedObject() override { this->unregisterAdaptor(); }

    /// Takes in what has become of it.
    virtual void look() = 0;

    Host& host_;
    Requests& requests_;
    Changes changes_;
};

}  // namespace memtuned::bus
