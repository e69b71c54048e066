// The real form posts to one origin that is configured with it; the sandbox knows none.
(function () {
  var stored = document.getElementById("stored").dataset;
  parent.postMessage({ token: stored.token, reference: stored.reference }, "*");
})();
