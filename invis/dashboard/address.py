"""The address bar: the query of the visitor's URL, both ways, Back and Forward included."""

from __future__ import annotations

import param
from panel.custom import JSComponent


class Address(JSComponent):
    """Shows nothing. In place of Panel's own, which hears nothing of Back and Forward.

    Attributes:
        search: the query with its `?`, or "".
    """

    search = param.String()

    _esm = """
    export function render({model}) {
      const heard = () => { model.search = window.location.search; };
      window.addEventListener('popstate', heard);
      model.on('search', () => {
        if (model.search !== window.location.search)
          window.history.pushState({}, '', window.location.pathname + model.search);
      });
      model.on('remove', () => window.removeEventListener('popstate', heard));
      return document.createElement('span');
    }
    """
