// Groups digits while they are typed and lets a click fill a test card in.
(function () {
  var number = document.getElementById("card_number");
  var expiry = document.getElementById("expiry");
  var cvv = document.getElementById("cvv");
  function digits(text) { return text.replace(/\D/g, ""); }
  function grouped(text) { return digits(text).slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 "); }
  number.addEventListener("input", function () {
    if (number.selectionStart === number.value.length) { number.value = grouped(number.value); }
  });
  expiry.addEventListener("input", function (event) {
    var typed = digits(expiry.value).slice(0, 4);
    if (event.inputType !== "deleteContentBackward" && typed.length >= 2) {
      expiry.value = typed.slice(0, 2) + "/" + typed.slice(2);
    }
  });
  document.querySelectorAll("[data-card]").forEach(function (item) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    while (item.firstChild.firstChild) { button.appendChild(item.firstChild.firstChild); }
    item.replaceChildren(button);
    button.addEventListener("click", function () {
      number.value = grouped(item.dataset.card);
      expiry.value = expiry.value || expiry.placeholder;
      cvv.value = cvv.value || cvv.placeholder;
      document.querySelector("form button").focus();
    });
  });
  var wrong = document.querySelector("[aria-invalid]");
  if (wrong) { wrong.focus(); }
  document.querySelector("form").addEventListener("submit", function () {
    document.querySelector("form button").disabled = true;
  });
})();
